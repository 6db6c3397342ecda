#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "terminal.h"
#include "terminal_state.h"

#define SECRET_MAX     1024
#define LINE_MAX_BYTES (128 * 1024)

/* A line from stdin without its end, byte for byte so that nothing stays in a buffer. False when there is
 * none. */
static bool line_read(char *ret_line, size_t size)
{
    size_t length = 0;
    for (;;) {
        char c;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got <= 0)
            return false; /* end of input, error, or a signal to stop */
        if (c == '\n')
            break;
        if (length + 1 >= size)
            return false;
        ret_line[length++] = c;
    }
    ret_line[length] = '\0';
    return true;
}

bool terminal_confirm(struct terminal *terminal, const char *question)
{
    char answer[16] = "";
    if (!terminal->interactive)
        return false;
    terminal_hold(terminal);
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    bool yes =
        line_read(answer, sizeof(answer)) && (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
    terminal_release(terminal);
    return yes;
}

char *terminal_ask_secret(struct terminal *terminal, const char *prompt)
{
    struct termios before, silent;
    char *secret = NULL;
    if (!terminal->interactive || tcgetattr(STDIN_FILENO, &before))
        return NULL;
    terminal_hold(terminal);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    fprintf(stderr, "%s: ", prompt);
    fflush(stderr);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0) {
        secret = malloc(SECRET_MAX);
        if (secret && !line_read(secret, SECRET_MAX)) {
            OPENSSL_cleanse(secret, SECRET_MAX);
            free(secret);
            secret = NULL;
        }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    }
    terminal_release(terminal);
    return secret;
}

char *terminal_ask_line(struct terminal *terminal, const char *prompt)
{
    struct termios before, raw;
    char *text = NULL;
    if (!terminal->interactive || tcgetattr(STDIN_FILENO, &before))
        return NULL;
    terminal_hold(terminal);
    fprintf(stderr, "%s: ", prompt);
    fflush(stderr);
    /* A terminal's own line editing ends at 4095 bytes; a pasted token is longer. */
    raw = before;
    raw.c_lflag &= ~(tcflag_t)ICANON;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0) {
        text = malloc(LINE_MAX_BYTES);
        if (text && !line_read(text, LINE_MAX_BYTES)) {
            OPENSSL_cleanse(text, LINE_MAX_BYTES); /* part of a token */
            free(text);
            text = NULL;
        }
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    }
    terminal_release(terminal);
    return text;
}

/* In the background what is typed is another program's, and tcflush(3) would stop us. */
bool terminal_entered(const struct terminal *terminal)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return terminal->interactive && tcgetpgrp(STDIN_FILENO) == getpgrp() && poll(&input, 1, 0) == 1 &&
           (input.revents & POLLIN) && tcflush(STDIN_FILENO, TCIFLUSH) == 0;
}

void terminal_instruction(struct terminal *terminal, const struct credential_instruction *instruction)
{
    char shown[64];
    snprintf(shown, sizeof(shown), "%s", instruction->code ? instruction->code : instruction->url);
    pthread_mutex_lock(&terminal->lock);
    bool live = terminal->shape == SHAPE_LIVE;
    if (strcmp(shown, terminal->instruction_shown) != 0) {
        memcpy(terminal->instruction_shown, shown, sizeof(shown));
        if (live && terminal->running)
            fputs("\r\033[K", stderr);
        if (instruction->message)
            fprintf(stderr, "\n    %s\n", instruction->message);
        fprintf(stderr, "\n    Open   %s\n", instruction->url);
        if (instruction->code)
            fprintf(stderr, "    Enter  %s%s%s\n", terminal->color ? "\033[1;7m " : "", instruction->code,
                    terminal->color ? " \033[0m" : "");
        fputc('\n', stderr);
        fflush(stderr);
    }
    snprintf(terminal->text, sizeof(terminal->text), "waiting for you to sign in, %u:%02u left",
             instruction->seconds_left / 60, instruction->seconds_left % 60);
    pthread_mutex_unlock(&terminal->lock);
}
