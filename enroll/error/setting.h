/* A setting that a credential source or a protocol has: an option of the command line, and mostly a key of
 * the configuration file. */
#ifndef ENROLL_SETTING_H
#define ENROLL_SETTING_H

struct setting {
    const char *name;          /* without the dashes; also the key in the configuration file */
    const char *argument;      /* "FILE" */
    const char *help;          /* NULL: of the configuration file alone, no option */
    const char *section;       /* of the configuration file; NULL: not read there */
    unsigned minimum, maximum; /* of a number; both 0: text */
    const char *values;        /* for completion, separated by blanks; NULL: by the argument */
};

#endif
