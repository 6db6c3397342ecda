/*
 * What token services, the identity broker and a browser send, and the URLs in it. The first byte of an input
 * chooses: '0' the JSON of a token service, '1' the broker's accounts, '2' its token, '3' a browser's
 * answer, '4' a form, '5' a URL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "broker_message.h"
#include "browser_answer.h"
#include "oauth.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void token_service(const char *text, size_t size)
{
    struct oauth_answer answer;

    if (oauth_answer_parse(text, size, &answer))
        oauth_answer_clear(&answer);
}

static void broker_accounts(const char *text, size_t size)
{
    free(broker_account_choose(text, size, "user@contoso.test"));
    free(broker_account_choose(text, size, NULL));
}

static void broker_token(const char *text, size_t size)
{
    char *token, *error;

    if (broker_token_read(text, size, &token, &error)) {
        free(token);
        free(error);
    }
}

static void browser_answer(const char *text, size_t size)
{
    char *token = NULL, *words = NULL;

    (void)browser_answer_judge(text, size, &token, &words);
    free(token);
    free(words);
}

static void form(const char *text, size_t size)
{
    free(browser_form_field(text, size, "wresult"));
}

static void url(const char *text, size_t size)
{
    char *copy = strndup(text, size);
    char host[URL_HOST_MAX];

    if (copy == NULL)
        return;
    if (url_refusal(copy, NULL) == NULL) {
        if (!url_host(copy, host) || !url_same_host(copy, copy))
            __builtin_trap();
        free(url_parameter_add(copy, "appru", "http://127.0.0.1:1/x y&z"));
    }
    free(url_discovery(copy));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *, size_t) = {
        token_service, broker_accounts, broker_token, browser_answer, form, url};

    if (size > 0 && data[0] >= '0' && data[0] <= '5')
        parsers[data[0] - '0']((const char *)data + 1, size - 1);
    return 0;
}
