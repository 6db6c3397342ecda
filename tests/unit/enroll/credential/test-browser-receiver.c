/* The receiver of a browser's answer over real connections; and the form that it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "browser_receiver.h"

#define HEAD(method, path, host, type, length)                                                               \
    method " " path " HTTP/1.1\r\nHost: " host "\r\nContent-Type: " type "\r\nContent-Length: " length       \
           "\r\n\r\n"
#define FORM "application/x-www-form-urlencoded"

/* @h and @p of a request become the receiver's host and path. */
static void request_fill(const char *text, const char *host, const char *path, char ret_request[1024])
{
    size_t size = 0;

    for (; *text != '\0'; text++) {
        if (*text == '@' && (text[1] == 'h' || text[1] == 'p'))
            size += (size_t)snprintf(ret_request + size, 1024 - size, "%s", *++text == 'h' ? host : path);
        else
            ret_request[size++] = *text;
    }
    ret_request[size] = '\0';
}

/* The status of the response, 0 for none; the verdict of the receiver that served it. */
static unsigned request_send(const char *text, enum browser_verdict *ret_verdict, char **ret_token,
                             char **ret_text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct browser_receiver *receiver = browser_receiver_new(NULL, NULL);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char host[32], path[64], request[1024], response[1024] = "";
    unsigned port = 0, status = 0;

    assert_non_null(receiver);
    assert_int_equal(sscanf(browser_receiver_url(receiver), "http://127.0.0.1:%u%63s", &port, path), 2);
    snprintf(host, sizeof(host), "127.0.0.1:%u", port);
    request_fill(text, host, path, request);
    address.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    *ret_verdict = BROWSER_INCOMPLETE;
    for (int i = 0; i < 4 && *ret_verdict == BROWSER_INCOMPLETE && status == 0; i++) {
        *ret_verdict = browser_receiver_serve(receiver, ret_token, ret_text);
        if (recv(fd, response, sizeof(response) - 1, MSG_DONTWAIT) > 0)
            assert_int_equal(sscanf(response, "HTTP/1.1 %u", &status), 1);
    }
    assert_null(strstr(response, "Access-Control"));
    close(fd);
    browser_receiver_free(receiver);
    return status;
}

static void only_a_post_of_the_form_is_an_answer(void **state)
{
    static const struct {
        const char *request;
        enum browser_verdict verdict;
        unsigned status;
    } rows[] = {
        {HEAD("POST", "@p", "@h", FORM, "11") "wresult=abc", BROWSER_TOKEN, 200},
        {HEAD("POST", "@p", "@h", FORM "; charset=utf-8", "11") "wresult=abc", BROWSER_TOKEN, 200},
        {HEAD("POST", "@p", "@h", FORM, "12") "wresult=abc", BROWSER_INCOMPLETE, 0},
        {"POST @p HTTP/1.1\r\nHost: @h\r\n", BROWSER_INCOMPLETE, 0},
        {HEAD("GET", "@p", "@h", FORM, "11") "wresult=abc", BROWSER_INCOMPLETE, 405},
        {HEAD("OPTIONS", "@p", "@h", FORM, "0"), BROWSER_INCOMPLETE, 405},
        {HEAD("POST", "/other", "@h", FORM, "11") "wresult=abc", BROWSER_INCOMPLETE, 404},
        {HEAD("POST", "@p/x", "@h", FORM, "11") "wresult=abc", BROWSER_INCOMPLETE, 404},
        {HEAD("POST", "@p?x", "@h", FORM, "11") "wresult=abc", BROWSER_INCOMPLETE, 404},
        {HEAD("POST", "@p", "evil.test:9", FORM, "11") "wresult=abc", BROWSER_INCOMPLETE, 400},
        {HEAD("POST", "@p", "@h", "text/plain", "11") "wresult=abc", BROWSER_INCOMPLETE, 415},
        {HEAD("POST", "@p", "@h", FORM "x", "11") "wresult=abc", BROWSER_INCOMPLETE, 415},
        {HEAD("POST", "@p", "@h", FORM, "70000"), BROWSER_INCOMPLETE, 413},
        {HEAD("POST", "@p", "@h", FORM, "-1"), BROWSER_INCOMPLETE, 400},
        {"POST @p HTTP/1.1\r\nHost: @h\r\nContent-Type: " FORM
         "\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nwresult=abc\r\n0\r\n\r\n",
         BROWSER_INCOMPLETE, 411},
        {"POST @p HTTP/1.1\r\nHost: @h\r\nContent-Type: " FORM "\r\n\r\n", BROWSER_INCOMPLETE, 411},
        {"POST @p HTTP/1.1\r\nHost: @h\r\nHost: x\r\n\r\n", BROWSER_INCOMPLETE, 400},
        {HEAD("POST", "@p", "@h", FORM, "3") "a=b", BROWSER_INCOMPLETE, 400},
        {HEAD("POST", "@p", "@h", FORM, "8") "wresult=", BROWSER_INCOMPLETE, 400},
        {HEAD("POST", "@p", "@h", FORM, "19") "wresult=a&wresult=b", BROWSER_INCOMPLETE, 400},
        {HEAD("POST", "@p", "@h", FORM, "12") "error=denied", BROWSER_ERROR, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *token = NULL, *text = NULL;
        enum browser_verdict verdict;
        unsigned status = request_send(rows[i].request, &verdict, &token, &text);

        if (verdict != rows[i].verdict || status != rows[i].status)
            fail_msg("%s: %d %u", rows[i].request, (int)verdict, status);
        if (verdict == BROWSER_TOKEN)
            assert_string_equal(token, "abc");
        if (verdict == BROWSER_ERROR)
            assert_string_equal(text, "denied");
        free(token);
        free(text);
    }
}

static void forms_are_decoded_strictly(void **state)
{
    char *value = browser_form_field("a=1&wresult=x%2By+z%3D", 22, "wresult");

    (void)state;
    assert_string_equal(value, "x+y z=");
    free(value);
    assert_null(browser_form_field("wresult=%4", 10, "wresult"));
    assert_null(browser_form_field("wresult=%zz", 11, "wresult"));
    assert_null(browser_form_field("wresult=%00", 11, "wresult"));
    assert_null(browser_form_field("xwresult=a", 10, "wresult"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_post_of_the_form_is_an_answer),
        cmocka_unit_test(forms_are_decoded_strictly),
    };

    return cmocka_run_group_tests_name("browser-receiver", tests, NULL, NULL);
}
