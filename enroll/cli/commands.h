/* The commands, a file each. argv[0] is the command's name; the result is the exit status (error.h). */
#ifndef ENROLL_COMMAND_H
#define ENROLL_COMMAND_H

int command_enroll(int argc, char **argv);
int command_status(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_renew(int argc, char **argv);
int command_check_in(int argc, char **argv);
int command_remove(int argc, char **argv);
int command_pin(int argc, char **argv);
int command_export(int argc, char **argv);
int command_policy(int argc, char **argv);
int command_register(int argc, char **argv);
int command_show(int argc, char **argv);

#endif
