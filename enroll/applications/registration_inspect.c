/* The registration with the browsers, for intune-enroll verify. */
#include "registration.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "issuer.h"
#include "nss.h"
#include "application_paths.h"
#include "browser_policies.h"

static void found(struct registration_result *place, enum registration_state state, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

static void found(struct registration_result *place, enum registration_state state, const char *advice,
                  const char *format, ...)
{
    va_list arguments;

    place->state = state;
    place->advice = advice;
    va_start(arguments, format);
    vsnprintf(place->text, sizeof(place->text), format, arguments);
    va_end(arguments);
}

static void library_look(struct registration_result *place, const char *path, const char *library,
                         const char *advice)
{
    const char *wanted = registration_library();

    if (!library)
        found(place, REGISTRATION_ABSENT, advice, "not registered in %.100s", path);
    else if (access(library, F_OK) != 0)
        found(place, REGISTRATION_BROKEN, advice, "%.80s names %.100s, which is not there", path, library);
    else if (strcmp(library, wanted) != 0)
        found(place, REGISTRATION_OTHER, advice, "%.60s names %.90s, and not %.90s", path, library, wanted);
    else
        found(place, REGISTRATION_GOOD, "", "%.100s names %.100s", path, library);
}

static void firefox_inspect(struct registration_result *place)
{
    static const char advice[] = "run intune-enroll register, for Firefox";
    struct enroll_error error = {0};
    char *text = NULL, *library = NULL;

    place->name = "firefox-policy";
    if (change_read(FIREFOX_POLICIES, &text, &error) != ENROLL_OK)
        found(place, REGISTRATION_BROKEN, "", "%.200s", error.message);
    else if (!policies_firefox_library(text, &library))
        found(place, REGISTRATION_BROKEN, "correct the file; Firefox does not read it either",
              FIREFOX_POLICIES " is not what Firefox expects there");
    else
        library_look(place, FIREFOX_POLICIES, library, advice);
    free(library);
    free(text);
}

static void chromium_inspect(struct registration_result *place, const char *name, const char *path,
                             const char *issuer)
{
    struct enroll_error error = {0};
    char *text = NULL;
    size_t sites = 0, others = 0;

    place->name = name;
    if (change_read(path, &text, &error) != ENROLL_OK)
        found(place, REGISTRATION_BROKEN, "", "%.200s", error.message);
    else if (!policies_chromium_sites(text, issuer, &sites, &others))
        found(place, REGISTRATION_BROKEN, "correct the file", "%s is not what the browser expects there",
              path);
    else if (sites == 0)
        found(place, REGISTRATION_ABSENT,
              "run intune-enroll register --url, for sites that get the certificate without a question",
              "not registered in %s", path);
    else if (others > 0)
        found(place, REGISTRATION_OTHER, "run intune-enroll register --url for its sites again",
              "%s has %zu sites for the certificate of another issuer", path, others);
    else
        found(place, REGISTRATION_GOOD, "", "%s has %zu site%s", path, sites, sites == 1 ? "" : "s");
    free(text);
}

static void nss_inspect(struct registration_result *place)
{
    struct enroll_error error = {0};
    char directory[PATH_MAX], *library = NULL;

    place->name = "chromium-database";
    if (!nss_directory(directory, sizeof(directory)))
        found(place, REGISTRATION_ABSENT, "", "HOME is not set");
    else if (nss_registered(directory, &library, &error) != ENROLL_OK)
        found(place, REGISTRATION_BROKEN, "", "%.200s", error.message);
    else
        library_look(place, directory, library, "run intune-enroll register --user, as the user of Chromium");
    free(library);
}

size_t registration_inspect(const struct token_generation *generation,
                            struct registration_result ret_results[static REGISTRATION_RESULTS])
{
    char *issuer = issuer_common_name(generation);
    size_t count = 0;

    firefox_inspect(&ret_results[count++]);
    nss_inspect(&ret_results[count++]);
    chromium_inspect(&ret_results[count++], "chromium-policy", CHROMIUM_POLICIES, issuer);
    if (access(CHROME_PROGRAM, F_OK) == 0 || access(CHROME_POLICIES, F_OK) == 0)
        chromium_inspect(&ret_results[count++], "chrome-policy", CHROME_POLICIES, issuer);
    free(issuer);
    return count;
}
