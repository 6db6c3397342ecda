/* URLs that others gave us: which are acceptable, and whose host they name. Pure; libcurl's parser, so that
 * what is judged is what is used. */
#ifndef ENROLL_HTTPS_CLIENT_URL_H
#define ENROLL_HTTPS_CLIENT_URL_H

#include <stdbool.h>
#include <stddef.h>

#define URL_HOST_MAX 254 /* with its 0 */

/*
 * Why a URL is not acceptable, as the end of a sentence ("... is not https"); NULL when it is: https, at most
 * HTTPS_URL_MAX bytes of printable ASCII, a host, no user information, no fragment. An IP address, localhost
 * or a name without a dot is refused unless it is typed_host (NULL: nothing was typed), which the operator
 * gave.
 */
const char *url_refusal(const char *url, const char *typed_host);

/* The host of a URL, in lower case, without brackets. False when it has none, or one that is not all
 * printable ASCII. */
bool url_host(const char *url, char ret_host[URL_HOST_MAX]) __attribute__((warn_unused_result));

/* Whether two URLs name the same host. */
bool url_same_host(const char *one, const char *other);

/*
 * Whether the hosts of two URLs belong to one registrable domain, as the Public Suffix List has it, and so
 * presumably to one owner.
 */
bool url_same_domain(const char *one, const char *other);

/*
 * url without ":443": servers compare a:To with the address that they know themselves by. malloc()ed; NULL
 * when memory is out.
 */
char *url_without_default_port(const char *url);

/* url with one more query parameter, percent-encoded. malloc()ed; NULL when memory is out. */
char *url_parameter_add(const char *url, const char *name, const char *value);

/* The discovery URL of user@domain or of a domain (MS-MDE2 3.1.1). NULL when the address has no usable
 * domain. free() it. */
char *url_discovery(const char *address);

#endif
