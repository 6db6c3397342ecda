#include "browser_answer.h"

#include <stdlib.h>
#include <string.h>

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

enum browser_verdict browser_answer_judge(const char *form, size_t size, char **ret_token, char **ret_text)
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
    if (text == NULL)
        return BROWSER_REFUSED;
    enroll_text_print(text, strlen(text), text, strlen(text) + 1);
    *ret_text = text;
    return BROWSER_ERROR;
}
