/*
 * The policy files of the browsers, as pure functions: text in, text out. Everything that is not ours stays
 * as it was.
 */
#ifndef ENROLL_APPLICATIONS_POLICIES_H
#define ENROLL_APPLICATIONS_POLICIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Firefox's policies.json with our security device in it (library is its path) or without it (library NULL).
 * text: the file's present content, NULL for none. On success *ret_text is malloc()ed, or NULL when nothing
 * but empty braces would be left, and *ret_changed is true if it differs in meaning from text. False when
 * text is not a JSON object of the form that Firefox reads, or out of memory.
 * https://mozilla.github.io/policy-templates/#securitydevices
 */
bool policies_firefox(const char *text, const char *library, char **ret_text, bool *ret_changed)
    __attribute__((warn_unused_result));

/*
 * Our own file of Chromium's managed policies: for each URL pattern, the certificate of this issuer (common
 * name, NULL for any) is sent without asking. Patterns that the file has already are kept, except that one
 * whose filter is nothing but another issuer's name gets this one's. Otherwise as above; count 0 takes all
 * away. https://chromeenterprise.google/policies/#AutoSelectCertificateForUrls
 */
bool policies_chromium(const char *text, const char *const *patterns, size_t count, const char *issuer,
                       char **ret_text, bool *ret_changed) __attribute__((warn_unused_result));

/* The library that Firefox's policies.json has for our security device: *ret_library is malloc()ed, NULL when
 * it names none. False as above. */
bool policies_firefox_library(const char *text, char **ret_library) __attribute__((warn_unused_result));

/* How many sites our file of Chromium's policies has, and how many of them filter for another issuer. False
 * as above. */
bool policies_chromium_sites(const char *text, const char *issuer, size_t *ret_sites, size_t *ret_others)
    __attribute__((warn_unused_result));

#endif
