#include "browser_answer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *form_decode(const char *text, size_t size)
{
    char *value = malloc(size + 1);
    size_t length = 0;

    for (size_t i = 0; value != NULL && i < size; i++) {
        char c = text[i];

        if (c == '%') {
            int high = i + 2 < size ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < size ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                free(value);
                return NULL;
            }
            c = (char)(16 * high + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        } else if (c == '\0') {
            free(value);
            return NULL;
        }
        value[length++] = c;
    }
    if (value != NULL)
        value[length] = '\0';
    return value;
}

char *browser_form_field(const char *form, size_t size, const char *name)
{
    size_t name_size = strlen(name);
    const char *end = form + size, *found = NULL;
    size_t found_size = 0;

    for (const char *pair = form; pair < end;) {
        const char *stop = memchr(pair, '&', (size_t)(end - pair));
        size_t pair_size = (size_t)((stop != NULL ? stop : end) - pair);

        if (pair_size > name_size && pair[name_size] == '=' && memcmp(pair, name, name_size) == 0) {
            if (found != NULL)
                return NULL;
            found = pair + name_size + 1;
            found_size = pair_size - name_size - 1;
        }
        pair += pair_size + 1;
    }
    return found != NULL ? form_decode(found, found_size) : NULL;
}

/* The value of a header of `head` (terminated, without the request line), in ret_value; false if absent or
 * doubled. */
static bool header_find(const char *head, const char *name, char *ret_value, size_t capacity)
{
    size_t name_size = strlen(name);
    bool found = false;

    for (const char *line = head; *line != '\0';) {
        size_t size = strcspn(line, "\r\n");

        if (size > name_size && line[name_size] == ':' && strncasecmp(line, name, name_size) == 0) {
            const char *value = line + name_size + 1;
            size_t value_size;

            value += strspn(value, " \t");
            value_size = (size_t)(line + size - value);
            while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
                value_size--;
            if (found || value_size >= capacity)
                return false;
            memcpy(ret_value, value, value_size);
            ret_value[value_size] = '\0';
            found = true;
        }
        line += size;
        line += strspn(line, "\r\n");
    }
    return found;
}

/* 0, or the HTTP status that refuses the head. *ret_length is the body's. */
static unsigned head_refusal(const char *head, const char *host, const char *path, size_t *ret_length)
{
    size_t path_size = strlen(path);
    const char *headers = strstr(head, "\r\n");
    char value[256];

    if (headers == NULL)
        return 400;
    if (strncmp(head, "POST ", 5) != 0)
        return 405;
    if (strncmp(head + 5, path, path_size) != 0 || strncmp(head + 5 + path_size, " HTTP/1.", 8) != 0)
        return 404;
    /* A name of somebody else's that leads here is not how the page was told to come. */
    if (!header_find(headers + 2, "Host", value, sizeof(value)) || strcasecmp(value, host) != 0)
        return 400;
    if (!header_find(headers + 2, "Content-Type", value, sizeof(value)) ||
        strncasecmp(value, "application/x-www-form-urlencoded", 33) != 0 ||
        (value[33] != '\0' && value[33] != ';'))
        return 415;
    if (!header_find(headers + 2, "Content-Length", value, sizeof(value)) || *value == '\0' ||
        strlen(value) > 9 || strspn(value, "0123456789") != strlen(value))
        return 411;
    *ret_length = (size_t)strtoul(value, NULL, 10);
    return *ret_length > BROWSER_BODY_MAX ? 413 : 0;
}

static enum browser_verdict form_judge(const char *form, size_t size, unsigned *ret_status, char **ret_token,
                                       char **ret_text)
{
    char *token = browser_form_field(form, size, "wresult");
    char *text;

    if (token != NULL && *token != '\0') {
        *ret_token = token;
        return BROWSER_TOKEN;
    }
    free(token);
    text = browser_form_field(form, size, "error_description");
    if (text == NULL)
        text = browser_form_field(form, size, "error");
    if (text == NULL) {
        *ret_status = 400;
        return BROWSER_REFUSED;
    }
    enroll_text_print(text, strlen(text), text, strlen(text) + 1);
    *ret_text = text;
    return BROWSER_ERROR;
}

enum browser_verdict browser_answer_judge(const char *bytes, size_t size, const char *host, const char *path,
                                          unsigned *ret_status, char **ret_token, char **ret_text)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    enum browser_verdict verdict = BROWSER_REFUSED;
    size_t head_size, length = 0;
    char *head;

    *ret_status = 431;
    if (end == NULL)
        return size > BROWSER_HEADER_MAX ? BROWSER_REFUSED : BROWSER_INCOMPLETE;
    head_size = (size_t)(end - bytes) + 2;
    *ret_status = 400;
    if (memchr(bytes, '\0', head_size) != NULL)
        return BROWSER_REFUSED;
    head = malloc(head_size + 1);
    if (head != NULL) {
        memcpy(head, bytes, head_size);
        head[head_size] = '\0';
    }
    *ret_status = head == NULL ? 500 : head_refusal(head, host, path, &length);
    free(head);
    if (*ret_status == 0) {
        size_t have = size - head_size - 2;

        if (have < length)
            verdict = BROWSER_INCOMPLETE;
        else
            verdict = form_judge(end + 4, length, ret_status, ret_token, ret_text);
    }
    return verdict;
}
