#include "next_steps.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "application_paths.h"

#define WANTS "/etc/systemd/system/"

static bool exists(const char *root, const char *path)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%s%s", root, path);
    return faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether group(5) has the group and nobody in it. */
static bool group_is_empty(const char *root)
{
    static const char name[] = "intune-tpm:";
    char path[PATH_MAX], line[4096];
    bool empty = false;
    snprintf(path, sizeof(path), "%s/etc/group", root);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *members = strncmp(line, name, sizeof(name) - 1) == 0 ? strrchr(line, ':') : NULL;
        if (members != NULL)
            empty = members[1] == '\n' || members[1] == '\0';
    }
    if (file != NULL)
        fclose(file);
    return empty;
}

size_t next_steps_list(const char *root, bool checks_in, const char *ret_steps[static NEXT_STEPS_MAX])
{
    size_t count = 0;
    if (!exists(root, WANTS "timers.target.wants/intune-enroll-renew.timer"))
        ret_steps[count++] = "systemctl enable --now intune-enroll-renew.timer";
    if (checks_in && !exists(root, WANTS "timers.target.wants/intune-enroll-check-in.timer"))
        ret_steps[count++] = "systemctl enable --now intune-enroll-check-in.timer";
    if (!exists(root, WANTS "sockets.target.wants/intune-tpm.socket"))
        ret_steps[count++] = "systemctl enable --now intune-tpm.socket";
    if (!exists(root, FIREFOX_POLICIES))
        ret_steps[count++] = "intune-enroll register";
    if (group_is_empty(root))
        ret_steps[count++] = "adduser USER intune-tpm, for each user of the token";
    return count;
}
