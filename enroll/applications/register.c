/* What intune-enroll register does: the plan of changes, shown or made. */
#include "registration.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "issuer.h"
#include "lock.h"
#include "nss.h"
#include "application_paths.h"
#include "browser_policies.h"

#define SOCKET_PATH "/run/intune-tpm/pkcs11"
/* In a directory writable by root only, so that no other user can hold it. */
#define LOCK_PATH         "/run/intune-enroll-register.lock"
#define UNDO_WAIT_SECONDS 30
#define CHANGES_MAX       4

struct plan {
    struct change changes[CHANGES_MAX];
    size_t count;
};

/*
 * p11-kit adds the keys of the installed file to those of the administrator's of the same name. So both have
 * `remote`, or the installed one's would win; a command after the bar is run by each application for itself.
 */
static const char MODULE_DIRECT[] = "remote: |p11-kit remote " INTUNE_P11_MODULE "\ncritical: no\n";
static const char MODULE_SOCKET[] = "remote: unix:path=" SOCKET_PATH "\ncritical: no\n";

/* The file that p11-kit reads for our module: an administrator's of the same name comes first
 * (pkcs11.conf(5)). */
static bool module_file_has(const char *word)
{
    static const char *const paths[] = {P11_KIT_ADMINISTRATOR, P11_KIT_INSTALLED};
    struct enroll_error error;
    char *text;

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (change_read(paths[i], &text, &error) == ENROLL_OK && text) {
            bool has = strncmp(text, word, strlen(word)) == 0;

            for (const char *line = text; !has && (line = strchr(line, '\n')); line++)
                has = strncmp(line + 1, word, strlen(word)) == 0;
            free(text);
            return has;
        }
    }
    return false;
}

bool registration_uses_socket(void)
{
    return module_file_has("remote: unix:");
}

static const char *library_for(enum registration_way way)
{
    bool socket = way == REGISTRATION_SOCKET || (way == REGISTRATION_AS_IT_IS && registration_uses_socket());

    return socket ? INTUNE_P11_PROXY : INTUNE_P11_MODULE;
}

const char *registration_library(void)
{
    return library_for(REGISTRATION_AS_IT_IS);
}

/*
 * p11-kit. The administrator's file is written only if there is none, or if another way is requested; undo
 * removes it if it is exactly one of ours.
 */
static enum enroll_exit plan_p11_kit(const struct registration *request, struct change *ret_change,
                                     struct enroll_error *ret_error)
{
    const char *wanted = request->way == REGISTRATION_SOCKET ? MODULE_SOCKET : MODULE_DIRECT;
    char *text = NULL;
    enum enroll_exit status = change_read(P11_KIT_ADMINISTRATOR, &text, ret_error);
    bool ours = text && (strcmp(text, MODULE_DIRECT) == 0 || strcmp(text, MODULE_SOCKET) == 0);

    if (status != ENROLL_OK)
        return status;
    *ret_change = (struct change){.who = "p11-kit", .path = P11_KIT_ADMINISTRATOR, .keep = "/etc"};
    if (request->undo) {
        ret_change->needed = ours;
    } else if (request->way != REGISTRATION_AS_IT_IS) {
        if (text && !ours)
            status =
                enroll_error_set(ret_error, ENROLL_CONFIGURATION, "change or remove it by hand",
                                 "%s was not written by intune-enroll; not changed", P11_KIT_ADMINISTRATOR);
        ret_change->needed = !text || strcmp(text, wanted) != 0;
    } else if (!text && access(P11_KIT_INSTALLED, R_OK) != 0) {
        ret_change->needed = true;
    } else if (!text) {
        ret_change->path = P11_KIT_INSTALLED;
    }
    if (status == ENROLL_OK && ret_change->needed && !request->undo &&
        !(ret_change->content = strdup(wanted)))
        status = enroll_error_set(ret_error, ENROLL_FAILED, "", "out of memory");
    free(text);
    return status;
}

static enum enroll_exit policy_malformed(const char *path, struct enroll_error *ret_error)
{
    return enroll_error_set(
        ret_error, ENROLL_CONFIGURATION,
        "correct the file, or add the lines of intune-enroll show firefox or chromium by hand",
        "%s is not valid JSON of the browser's form; not changed", path);
}

static enum enroll_exit plan_firefox(const struct registration *request, struct change *ret_change,
                                     struct enroll_error *ret_error)
{
    char *text = NULL;
    enum enroll_exit status = change_read(FIREFOX_POLICIES, &text, ret_error);

    if (status != ENROLL_OK)
        return status;
    *ret_change = (struct change){.who = "Firefox", .path = FIREFOX_POLICIES, .keep = "/etc"};
    if (!policies_firefox(text, request->undo ? NULL : library_for(request->way), &ret_change->content,
                          &ret_change->needed))
        status = policy_malformed(FIREFOX_POLICIES, ret_error);
    free(text);
    return status;
}

static size_t url_count(const struct registration *request)
{
    size_t count = 0;

    while (request->urls && request->urls[count])
        count++;
    return count;
}

static enum enroll_exit plan_chromium(const struct registration *request, const char *who, const char *path,
                                      const char *issuer, struct change *ret_change,
                                      struct enroll_error *ret_error)
{
    char *text = NULL;
    enum enroll_exit status = change_read(path, &text, ret_error);
    const char *keep = access(CHROMIUM_PROGRAM, F_OK) == 0 ? CHROMIUM_DIRECTORY : "/etc";

    if (status != ENROLL_OK)
        return status;
    *ret_change = (struct change){
        .who = who, .path = path, .keep = strcmp(path, CHROME_POLICIES) == 0 ? "/etc/opt" : keep};
    if (!policies_chromium(text, request->urls, url_count(request), issuer, &ret_change->content,
                           &ret_change->needed))
        status = policy_malformed(path, ret_error);
    free(text);
    return status;
}

static enum enroll_exit plan_system(const struct registration *request, struct plan *plan,
                                    struct enroll_error *ret_error)
{
    char *issuer = NULL;
    enum enroll_exit status = plan_p11_kit(request, &plan->changes[plan->count++], ret_error);

    if (status == ENROLL_OK)
        status = plan_firefox(request, &plan->changes[plan->count++], ret_error);
    if (status == ENROLL_OK && (request->undo || url_count(request) > 0)) {
        issuer = issuer_common_name_found();
        status = plan_chromium(request, "Chromium", CHROMIUM_POLICIES, issuer, &plan->changes[plan->count++],
                               ret_error);
        if (status == ENROLL_OK && (access(CHROME_PROGRAM, F_OK) == 0 || access(CHROME_POLICIES, F_OK) == 0))
            status = plan_chromium(request, "Chrome", CHROME_POLICIES, issuer, &plan->changes[plan->count++],
                                   ret_error);
        free(issuer);
    }
    return status;
}

static enum enroll_exit register_system(const struct registration *request, struct enroll_error *ret_error)
{
    struct plan plan = {0};
    int lock = -1;
    enum enroll_exit status = ENROLL_OK;

    if (!request->print)
        status = registration_lock(LOCK_PATH, true, request->wait_seconds, &lock, ret_error);
    if (status == ENROLL_OK)
        status = plan_system(request, &plan, ret_error);
    for (size_t i = 0; i < plan.count && status == ENROLL_OK; i++) {
        if (request->print)
            change_print(&plan.changes[i]);
        else
            status = change_apply(&plan.changes[i], ret_error);
    }
    for (size_t i = 0; i < plan.count; i++)
        change_clear(&plan.changes[i]);
    registration_unlock(lock);
    return status;
}

static enum enroll_exit user_change(const struct registration *request, const char *directory,
                                    struct enroll_error *ret_error)
{
    const char *library = library_for(request->way);
    char *present = NULL;
    enum enroll_exit status = nss_registered(directory, &present, ret_error);

    if (status != ENROLL_OK)
        return status;
    if (request->undo ? !present : present && strcmp(present, library) == 0) {
        printf("Chromium: %s is already as it should be\n", directory);
    } else if (request->print && request->undo) {
        printf("Chromium: %s would lose the module %s\n", directory, REGISTRATION_NAME);
    } else if (request->print) {
        printf("Chromium: %s would get the module %s, %s\n", directory, REGISTRATION_NAME, library);
    } else if (request->undo) {
        status = nss_unregister(directory, ret_error);
        if (status == ENROLL_OK)
            printf("Chromium: %s no longer knows the token\n", directory);
    } else {
        status = nss_register(directory, library, ret_error);
        if (status == ENROLL_OK)
            printf("Chromium: %s knows the token\n", directory);
    }
    free(present);
    return status;
}

static enum enroll_exit register_user(const struct registration *request, struct enroll_error *ret_error)
{
    char directory[PATH_MAX];
    int lock = -1;
    enum enroll_exit status = ENROLL_OK;

    if (!nss_directory(directory, sizeof(directory)))
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "", "HOME is not set.");
    if (!request->print && !request->undo)
        status = nss_directory_make(directory, ret_error);
    /* NSS itself does not keep two that write from one another. */
    if (status == ENROLL_OK && !request->print)
        status = registration_lock(directory, false, request->wait_seconds, &lock, ret_error);
    if (status == ENROLL_OK)
        status = user_change(request, directory, ret_error);
    registration_unlock(lock);
    return status;
}

enum enroll_exit registration_change(const struct registration *registration, struct enroll_error *ret_error)
{
    return registration->user ? register_user(registration, ret_error)
                              : register_system(registration, ret_error);
}

enum enroll_exit registration_undo_system(struct enroll_error *ret_error)
{
    const struct registration request = {.undo = true, .wait_seconds = UNDO_WAIT_SECONDS};

    return register_system(&request, ret_error);
}
