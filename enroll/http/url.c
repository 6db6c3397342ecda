#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <libpsl.h>

#include "https_request.h"

static CURLU *url_parse(const char *url)
{
    CURLU *parsed = curl_url();

    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(parsed);
        parsed = NULL;
    }
    return parsed;
}

static bool part_present(CURLU *parsed, CURLUPart part)
{
    char *value = NULL;
    bool present = curl_url_get(parsed, part, &value, 0) == CURLUE_OK && value != NULL;

    curl_free(value);
    return present;
}

static bool host_copy(CURLU *parsed, char ret_host[URL_HOST_MAX])
{
    char *host = NULL;
    size_t size, start = 0;

    if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK || host == NULL)
        return false;
    size = strlen(host);
    if (size >= 2 && host[0] == '[') {
        start = 1;
        size -= 2;
    }
    if (size > 1 && host[start + size - 1] == '.')
        size--;
    if (size == 0 || size >= URL_HOST_MAX) {
        curl_free(host);
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)host[start + i];

        /* A host's name goes into messages: libcurl undoes %C2%9B, which a terminal obeys. */
        if (c <= ' ' || c >= 0x7f) {
            curl_free(host);
            return false;
        }
        ret_host[i] = (char)tolower(c);
    }
    ret_host[size] = '\0';
    curl_free(host);
    return true;
}

static bool is_address(const char *host)
{
    struct in6_addr address;
    size_t size = strcspn(host, "%");
    char plain[URL_HOST_MAX];

    snprintf(plain, sizeof(plain), "%.*s", (int)size, host);
    /* A host of digits and dots alone is one of the old spellings of an IPv4 address, whatever inet_pton()
     * says. */
    return inet_pton(AF_INET6, plain, &address) == 1 || strspn(host, "0123456789.") == strlen(host);
}

static bool is_local_name(const char *host)
{
    size_t size = strlen(host);

    return strchr(host, '.') == NULL || (size >= 10 && strcmp(host + size - 10, ".localhost") == 0);
}

static const char *parsed_refusal(CURLU *parsed, const char *typed_host)
{
    char *scheme = NULL;
    char host[URL_HOST_MAX];
    bool https =
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcasecmp(scheme, "https") == 0;

    curl_free(scheme);
    if (!https)
        return "is not https";
    if (part_present(parsed, CURLUPART_USER) || part_present(parsed, CURLUPART_PASSWORD))
        return "carries user information";
    if (part_present(parsed, CURLUPART_FRAGMENT))
        return "has a fragment";
    if (!host_copy(parsed, host))
        return "has no host";
    if (typed_host != NULL && strcasecmp(host, typed_host) == 0)
        return NULL;
    if (is_address(host))
        return "has an IP address instead of a host name";
    if (is_local_name(host))
        return "is on this machine or the local network";
    return NULL;
}

const char *url_refusal(const char *url, const char *typed_host)
{
    CURLU *parsed;
    const char *refusal;
    size_t size = strlen(url);

    if (size > HTTPS_URL_MAX)
        return "is too long";
    for (size_t i = 0; i < size; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f || url[i] == '\\')
            return "has invalid characters";
    parsed = url_parse(url);
    if (parsed == NULL)
        return "is not a URL";
    refusal = parsed_refusal(parsed, typed_host);
    curl_url_cleanup(parsed);
    return refusal;
}

bool url_host(const char *url, char ret_host[URL_HOST_MAX])
{
    CURLU *parsed = url_parse(url);
    bool found = parsed != NULL && host_copy(parsed, ret_host);

    curl_url_cleanup(parsed);
    return found;
}

bool url_same_host(const char *one, const char *other)
{
    char one_host[URL_HOST_MAX], other_host[URL_HOST_MAX];

    return url_host(one, one_host) && url_host(other, other_host) && strcmp(one_host, other_host) == 0;
}

bool url_same_domain(const char *one, const char *other)
{
    char one_host[URL_HOST_MAX], other_host[URL_HOST_MAX];
    const char *one_domain, *other_domain;
    psl_ctx_t *list;
    bool same;

    if (!url_host(one, one_host) || !url_host(other, other_host))
        return false;
    if (strcmp(one_host, other_host) == 0)
        return true;
    if (is_address(one_host) || is_address(other_host))
        return false;
    list = psl_latest(NULL);
    one_domain = psl_registrable_domain(list, one_host);
    other_domain = psl_registrable_domain(list, other_host);
    same = one_domain != NULL && other_domain != NULL && strcmp(one_domain, other_domain) == 0;
    psl_free(list);
    return same;
}

char *url_without_default_port(const char *url)
{
    CURLU *parsed = url_parse(url);
    char *plain = NULL, *result = NULL;

    if (parsed != NULL && curl_url_get(parsed, CURLUPART_URL, &plain, CURLU_NO_DEFAULT_PORT) == CURLUE_OK)
        result = strdup(plain);
    curl_free(plain);
    curl_url_cleanup(parsed);
    return result;
}

char *url_parameter_add(const char *url, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    char *result = NULL;

    if (escaped != NULL &&
        asprintf(&result, "%s%c%s=%s", url, strchr(url, '?') != NULL ? '&' : '?', name, escaped) < 0)
        result = NULL;
    curl_free(escaped);
    return result;
}

char *url_discovery(const char *address)
{
    const char *at = strrchr(address, '@');
    const char *domain = at != NULL ? at + 1 : address;
    size_t size = strlen(domain);
    char *url = NULL;

    if (size == 0 || size > 230 || strchr(domain, '.') == NULL || domain[0] == '.' ||
        domain[size - 1] == '.' || domain[0] == '-' || strstr(domain, "..") != NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)domain[i]) && domain[i] != '.' && domain[i] != '-')
            return NULL;
    if (is_address(domain))
        return NULL;
    if (asprintf(&url, "https://EnterpriseEnrollment.%s/EnrollmentServer/Discovery.svc", domain) < 0)
        return NULL;
    return url;
}
