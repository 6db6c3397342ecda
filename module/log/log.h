/*
 * The opt-in log: INTUNE_TPM_LOG=FILE (secure_getenv). Without it nothing is written anywhere, and never
 * anything to stdout or stderr: they are the application's. A leaf: everybody may call it.
 */
#ifndef MODULE_LOG_H
#define MODULE_LOG_H

/* Takes the file's name from the environment. Called when the module is initialised; later calls change
 * nothing. */
void log_configure(void);

/* Appends one line with time and process. Safe from any thread. Nothing secret may be given to it. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
