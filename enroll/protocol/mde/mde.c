#include "mde.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "profile.h"

#define REQUEST_VERSION_DEFAULT "4.0"

/* This protocol's own entries of the record. */
#define RECORD_AUTH_POLICY        "enrollment", "auth_policy"
#define RECORD_ENROLLMENT_VERSION "enrollment", "enrollment_version"
#define RECORD_REQUEST_VERSION    "enrollment", "request_version"
#define RECORD_PROFILE            "enrollment", "profile"
#define RECORD_DEVICE_ID_SENT     "enrollment", "device_id"    /* DeviceID and HWDevID of the enrolment; */
#define RECORD_HW_DEVICE_ID_SENT  "enrollment", "hw_device_id" /* missing in older records */
#define RECORD_DISCOVERY_URL      "server", "discovery_url"
#define RECORD_POLICY_URL         "server", "policy_url"
#define RECORD_PROVIDER_ID        "server", "provider_id"
#define RECORD_MANAGEMENT_URL     "server", "management_url"
#define RECORD_DEVICE_ID          "server", "device_id" /* that the server gave */

static const struct protocol_step steps[] = {
    {"resolve", "Looking for the server", "Discovery"},
    {"discover", "Asking what it offers", "Discovery"},
    {"token", "Getting the security token", "Token service"},
    {"policy", "Asking what certificate it wants", "Policy"},
    {"enrol", "Requesting the certificate", "Enrolment"},
    {0},
};

static const struct protocol_fact facts[] = {
    {RECORD_DISCOVERY_URL, "Discovery", false},
    {RECORD_POLICY_URL, "Policy service", false},
    {RECORD_SERVICE_URL, "Enrolment service", false},
    {RECORD_AUTH_POLICY, "Authentication", false},
    {RECORD_ENROLLMENT_VERSION, "Protocol version", false},
    {RECORD_PROVIDER_ID, "Provider", false},
    {RECORD_MANAGEMENT_URL, "Management", true},
    {RECORD_DEVICE_ID, "Device id", false},
    {0},
};

static const struct setting setting_request_version = {.name = "request-version",
                                                       .argument = "VERSION",
                                                       .help = "MS-MDE2: protocol version (default 4.0)",
                                                       .section = "enroll"};
static const struct setting setting_profile = {.name = "profile",
                                               .argument = "FILE",
                                               .help = "MS-MDE2: device profile sent to the server",
                                               .section = "enroll"};
static const struct setting setting_token_type = {.name = "token-type",
                                                  .argument = "TYPE",
                                                  .help = "MS-MDE2: type of the token: user (default) or jwt",
                                                  .values = "user jwt"};

enum { SETTING_REQUEST_VERSION, SETTING_PROFILE, SETTING_TOKEN_TYPE };
static const struct setting *const settings[] = {
    [SETTING_REQUEST_VERSION] = &setting_request_version,
    [SETTING_PROFILE] = &setting_profile,
    [SETTING_TOKEN_TYPE] = &setting_token_type,
    NULL,
};

struct mde {
    const struct protocol_request *request;
    struct device_profile *profile;
    struct flow_options options;
    struct flow_callbacks callbacks;
    char firmware[48];
};

static enum enroll_exit make_request(void *context, const struct certificate_requirements *requirements,
                                     uint8_t **ret_request, size_t *ret_size, struct enroll_error *ret_error)
{
    const struct mde *mde = context;
    return mde->request->make_request(mde->request->context, requirements,
                                      mde->profile->values[ITEM_DEVICE_ID], ret_request, ret_size, ret_error);
}

static void progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    const struct mde *mde = context;
    if (mde->request->progress != NULL)
        mde->request->progress(mde->request->context, step, state, text);
}

static bool confirm(void *context, const char *question)
{
    const struct mde *mde = context;
    return mde->request->confirm != NULL && mde->request->confirm(mde->request->context, question);
}

/* The TPM's own words for GetPolicies, where the profile wants them sent. */
static void tpm_facts_set(struct mde *mde)
{
    const struct tpm_facts *tpm = mde->request->facts;
    if (tpm == NULL || !mde->profile->send_tpm_facts)
        return;
    snprintf(mde->firmware, sizeof(mde->firmware), "%u.%u.%u.%u", (unsigned)(tpm->firmware_1 >> 16),
             (unsigned)(tpm->firmware_1 & 0xffff), (unsigned)(tpm->firmware_2 >> 16),
             (unsigned)(tpm->firmware_2 & 0xffff));
    mde->options.tpm_manufacturer = tpm->manufacturer;
    mde->options.tpm_firmware = mde->firmware;
}

static enum enroll_exit mde_open(const struct protocol_request *request, void **ret_session,
                                 struct enroll_error *ret_error)
{
    const struct record *record = request->record;
    /* A machine-id that was set anew, or a profile that was edited, makes no other device of it. */
    const struct device_identity enrolled = {record_get(record, RECORD_DEVICE_ID_SENT),
                                             record_get(record, RECORD_HW_DEVICE_ID_SENT)};
    const char *profile = request->settings[SETTING_PROFILE];
    struct mde *mde = calloc(1, sizeof(*mde));
    if (mde == NULL)
        return enroll_error_memory(ret_error);
    *mde = (struct mde){
        .request = request,
        .options = {.address = request->address,
                    .discovery_url = request->url,
                    .request_version = request->settings[SETTING_REQUEST_VERSION],
                    .accept_redirects = request->accept_redirects,
                    .client = request->client,
                    .auth = request->credentials,
                    .token_type = request->settings[SETTING_TOKEN_TYPE]},
        .callbacks = {.context = mde, .progress = progress, .confirm = confirm, .make_request = make_request},
    };
    if (mde->options.request_version == NULL)
        mde->options.request_version = REQUEST_VERSION_DEFAULT;
    enum enroll_exit status =
        device_profile_read(profile != NULL ? profile : record_get(record, RECORD_PROFILE),
                            request->present != NULL ? &enrolled : NULL, &mde->profile, ret_error);
    if (status != ENROLL_OK) {
        free(mde);
        return status;
    }
    mde->options.profile = mde->profile;
    tpm_facts_set(mde);
    *ret_session = mde;
    return ENROLL_OK;
}

static void mde_close(void *session)
{
    struct mde *mde = session;
    if (mde != NULL)
        device_profile_free(mde->profile);
    free(mde);
}

/* What a renewal has to know; a later answer that leaves something out leaves it as it was. */
static bool record_fill(struct record *record, const struct flow_result *result)
{
    static const struct provisioning_document nothing;
    const struct provisioning_document *document = result->document != NULL ? result->document : &nothing;
    const char *user = result->user != NULL ? result->user : record_get(record, RECORD_USER);
    const struct {
        const char *section, *key, *value;
    } values[] = {
        {RECORD_DISCOVERY_URL, result->discovery_url},
        {RECORD_POLICY_URL, result->policy_url},
        {RECORD_SERVICE_URL, result->enrollment_url},
        {RECORD_ENROLLMENT_VERSION, result->enrollment_version},
        {RECORD_USER, user != NULL ? user : document->upn},
        {RECORD_AUTH_POLICY, result->auth_policy},
        {RECORD_PROVIDER_ID, document->provider_id},
        {RECORD_SERVICE_NAME, document->server_name},
        {RECORD_MANAGEMENT_URL, document->management_url},
        {RECORD_DEVICE_ID, document->device_id},
        {RECORD_RENEWAL_URL, document->renew_url},
    };
    bool set = record_set(record, RECORD_REQUEST_ID, result->pending ? result->request_id : NULL) &&
               record_set(record, RECORD_DISPOSITION, result->pending ? result->disposition : NULL);
    for (size_t i = 0; set && i < sizeof(values) / sizeof(values[0]); i++)
        set =
            values[i].value == NULL || record_set(record, values[i].section, values[i].key, values[i].value);
    if (set && result->document != NULL)
        set = record_number_set(record, RECORD_PERIOD, document->renew_period_days) &&
              record_number_set(record, RECORD_RETRY, document->retry_interval_days);
    return set;
}

/* The record and the answer of what the flow brought, which is freed. */
static enum enroll_exit result_take(const struct mde *mde, struct flow_result *result,
                                    struct protocol_answer *ret_answer, struct enroll_error *ret_error)
{
    enum enroll_exit status =
        record_fill(mde->request->record, result) ? ENROLL_OK : enroll_error_memory(ret_error);
    if (status == ENROLL_OK) {
        *ret_answer =
            (struct protocol_answer){.pending = result->pending, .requirements = result->requirements};
        certificate_requirements_default(&result->requirements);
        if (result->document != NULL) {
            ret_answer->received = result->document->received;
            result->document->received.count = 0;
        }
    }
    flow_result_free(result);
    return status;
}

/* What identifies this device, and how it was asked for: before the key is made, so that a run that ends
 * early leaves it in pending/. */
static enum enroll_exit identity_remember(const struct mde *mde, struct enroll_error *ret_error)
{
    struct record *record = mde->request->record;
    const char *profile = mde->request->settings[SETTING_PROFILE];
    char resolved[PATH_MAX];
    if (record_set(record, RECORD_REQUEST_VERSION, mde->options.request_version) &&
        record_set(record, RECORD_DEVICE_ID_SENT, mde->profile->values[ITEM_DEVICE_ID]) &&
        record_set(record, RECORD_HW_DEVICE_ID_SENT, mde->profile->values[ITEM_HW_DEVICE_ID]) &&
        record_set(record, RECORD_PROFILE, profile != NULL ? realpath(profile, resolved) : NULL))
        return ENROLL_OK;
    return enroll_error_memory(ret_error);
}

/* Renewal speaks to these hosts and to no other. */
static enum enroll_exit hosts_accept(struct record *record, struct enroll_error *ret_error)
{
    if (record_host_accept(record, record_get(record, RECORD_DISCOVERY_URL)) &&
        record_host_accept(record, record_get(record, RECORD_POLICY_URL)) &&
        record_host_accept(record, record_get(record, RECORD_SERVICE_URL)) &&
        record_host_accept(record, record_get(record, RECORD_RENEWAL_URL)))
        return ENROLL_OK;
    return enroll_error_memory(ret_error);
}

static enum enroll_exit mde_enrol(void *session, struct protocol_answer *ret_answer,
                                  struct enroll_error *ret_error)
{
    struct mde *mde = session;
    struct flow_result result;
    enum enroll_exit status = identity_remember(mde, ret_error);
    if (status == ENROLL_OK)
        status = flow_enroll(&mde->options, &mde->callbacks, &result, ret_error);
    if (status == ENROLL_OK)
        status = result_take(mde, &result, ret_answer, ret_error);
    return status == ENROLL_OK ? hosts_accept(mde->request->record, ret_error) : status;
}

static enum enroll_exit mde_resume(void *session, struct protocol_answer *ret_answer,
                                   struct enroll_error *ret_error)
{
    struct mde *mde = session;
    struct record *record = mde->request->record;
    const struct flow_pending pending = {.enrollment_url = record_get(record, RECORD_SERVICE_URL),
                                         .request_id = record_get(record, RECORD_REQUEST_ID)};
    struct flow_result result;
    enum enroll_exit status = flow_resume(&mde->options, &pending, &mde->callbacks, &result, ret_error);
    if (status == ENROLL_OK)
        status = result_take(mde, &result, ret_answer, ret_error);
    return status == ENROLL_OK ? hosts_accept(record, ret_error) : status;
}

static enum enroll_exit mde_renew(void *session, struct protocol_answer *ret_answer,
                                  struct enroll_error *ret_error)
{
    struct mde *mde = session;
    const struct record *record = mde->request->record;
    const struct protocol_identity *present = mde->request->present;
    const char *version = record_get(record, RECORD_REQUEST_VERSION), *hosts[RECORD_HOSTS_MAX + 1];
    char *storage;
    struct flow_result result;
    if (!record_hosts(record, &storage, hosts))
        return enroll_error_memory(ret_error);
    const struct flow_renewal renewal = {
        .renew_url = record_get(record, RECORD_RENEWAL_URL),
        .accepted_hosts = hosts,
        .user = record_get(record, RECORD_USER),
        .certificate = present->certificate,
        .certificate_size = present->certificate_size,
        .chain = present->chain,
        .chain_sizes = present->chain_sizes,
        .chain_count = present->chain_count,
        .key = present->key,
    };
    mde->options.address = NULL;
    mde->options.discovery_url = record_get(record, RECORD_DISCOVERY_URL);
    if (version != NULL)
        mde->options.request_version = version;
    enum enroll_exit status = flow_renew(&mde->options, &renewal, &mde->callbacks, &result, ret_error);
    free(storage);
    return status == ENROLL_OK ? result_take(mde, &result, ret_answer, ret_error) : status;
}

static enum enroll_exit mde_describe(void *session, struct protocol_answer *ret_answer,
                                     struct enroll_error *ret_error)
{
    struct mde *mde = session;
    struct flow_result result;
    mde->options.stop_after_policy = true;
    enum enroll_exit status = flow_enroll(&mde->options, &mde->callbacks, &result, ret_error);
    return status == ENROLL_OK ? result_take(mde, &result, ret_answer, ret_error) : status;
}

const struct protocol protocol_mde2 = {
    .name = "mde2",
    .title = "Microsoft's device enrolment, MS-MDE2",
    .steps = steps,
    .key_step = STEP_ENROL,
    .settings = settings,
    .facts = facts,
    .open = mde_open,
    .close = mde_close,
    .enrol = mde_enrol,
    .resume = mde_resume,
    .renew = mde_renew,
    .describe = mde_describe,
};
