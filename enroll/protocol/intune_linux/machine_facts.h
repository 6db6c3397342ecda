/* What Intune's rules are about, as it is on this machine. Every file is read below `root`, "" but in tests.
 */
#ifndef ENROLL_INTUNE_LINUX_MACHINE_FACTS_H
#define ENROLL_INTUNE_LINUX_MACHINE_FACTS_H

#include <stdbool.h>

enum encryption { ENCRYPTION_UNKNOWN, ENCRYPTION_NONE, ENCRYPTION_ALL };

/* The minima that PAM enforces when a password is changed. */
struct password_rules {
    bool known;    /* the PAM configuration was read */
    bool enforced; /* pam_pwquality is part of it; else every minimum is 0 */
    int length, digits, lowercase, uppercase, symbols;
};

struct machine_facts {
    char device_name[65];       /* host name without its domain */
    char manufacturer[65];      /* of the board; "unknown" where the firmware says nothing */
    char distribution[65];      /* NAME of os-release, "Debian GNU/Linux" */
    char distribution_id[33];   /* ID, "debian" */
    char version[33];           /* VERSION_ID, "12"; "0" where there is none */
    enum encryption encryption; /* of every file system that holds /, /home or /var */
    char unencrypted[65];       /* the first that is not, "/home"; "" for none */
    struct password_rules password;
};

/* device_name NULL: gethostname(2). */
void machine_facts_read(const char *root, const char *device_name, struct machine_facts *ret_facts);

/* The parts of it, for tests and fuzzers: text of `size` bytes each, terminated. */
void os_release_read(const char *text, struct machine_facts *facts);
void pwquality_read(const char *text, struct password_rules *rules);
/* A PAM service's password stack; false when pam_pwquality is not in it. Its arguments go before the file's.
 */
bool pam_password_read(const char *text, struct password_rules *rules);
/* The device of the file system at `mount`, "8:1" or a path for one without a number; false: not mounted
 * there. */
bool mountinfo_find(const char *text, const char *mount, char *ret_device, unsigned size);

#endif
