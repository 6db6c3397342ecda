#include "intune_linux.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "bio_text.h"
#include "constants.h"
#include "json_write.h"
#include "service.h"
#include "url.h"

#define DAY 86400

static const struct protocol_step steps[] = {
    {"services", "Looking for the services", "Microsoft Graph"},
    {"token", "Getting the enrolment token", "Identity broker"},
    {"enrol", "Requesting the certificate", "Enrollment service"},
    {"check-in", "Reporting this device", "Check-in service"},
    {0},
};

static const struct protocol_fact facts[] = {
    {RECORD_SERVICE_URL, "Enrollment service", false},
    {RECORD_CHECK_IN, "Check-in service", false},
    {RECORD_DEVICE_NAME, "Device name", true},
    {RECORD_DEVICE_ID, "Device id", true},
    {0},
};

/* ---- which protocol ---- */

/* The name that MDE2 looks for leads to Intune, which takes Linux devices by this protocol alone. */
static bool suits(const char *address)
{
    const char *at = strchr(address, '@');
    const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char name[URL_HOST_MAX];
    if (strstr(address, "://") != NULL ||
        snprintf(name, sizeof(name), "EnterpriseEnrollment.%s", at != NULL ? at + 1 : address) >=
            (int)sizeof(name) ||
        getaddrinfo(name, NULL, &hints, &found) != 0)
        return false;
    const char *canonical = found->ai_canonname;
    size_t length = canonical != NULL ? strlen(canonical) : 0, size = strlen("." INTUNE_SERVICE_HOST);
    bool leads = length > size && strcasecmp(canonical + length - size, "." INTUNE_SERVICE_HOST) == 0;
    freeaddrinfo(found);
    return leads;
}

/* ---- the session ---- */

static const char *setting(const struct protocol_request *request, size_t index, const char *otherwise)
{
    return request->settings[index] != NULL ? request->settings[index] : otherwise;
}

/* Two agents that report one device contradict each other. */
static const char *other_agent(void)
{
    static const struct {
        const char *path, *name;
    } agents[] = {
        {"/opt/microsoft/intune/bin/intune-agent", "Microsoft's intune-portal"},
        {"/usr/bin/intune-agent", "Microsoft's intune-portal"},
        {"/usr/sbin/himmelblaud", "himmelblau"},
        {"/usr/bin/himmelblaud", "himmelblau"},
    };
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (access(agents[i].path, X_OK) == 0)
            return agents[i].name;
    return NULL;
}

static enum enroll_exit options_check(const struct protocol_request *request, struct enroll_error *error)
{
    const char *agent = other_agent();
    if (request->key_type == TPM_KEY_EC)
        return enroll_error_set(error, ENROLL_POLICY, "use --key rsa2048 or rsa3072",
                                "Intune takes RSA keys of Linux devices only");
    if (request->request_extensions)
        return enroll_error_set(error, ENROLL_USAGE, "", "--csr-ext is for the protocol mde2");
    if (agent != NULL && request->present == NULL && !request->reporting && !request->replace)
        return enroll_error_set(error, ENROLL_ALREADY, "use --replace to enrol all the same",
                                "%s is installed, which reports this device to Intune already", agent);
    return ENROLL_OK;
}

static enum enroll_exit intune_open(const struct protocol_request *request, void **ret_session,
                                    struct enroll_error *ret_error)
{
    enum enroll_exit status = options_check(request, ret_error);
    struct intune *intune = status == ENROLL_OK ? calloc(1, sizeof(*intune)) : NULL;
    if (intune == NULL)
        return status == ENROLL_OK ? enroll_error_memory(ret_error) : status;
    intune->request = request;
    intune->client_version = setting(request, SETTING_CLIENT_VERSION, INTUNE_CLIENT_VERSION);
    intune->application_id = setting(request, SETTING_APPLICATION_ID, INTUNE_APPLICATION_ID);
    intune->graph_url = setting(request, SETTING_GRAPH_URL, INTUNE_GRAPH_URL);
    intune->service_hosts = setting(request, SETTING_SERVICE_HOSTS, NULL);
    machine_facts_read("", record_get(request->record, RECORD_DEVICE_NAME), &intune->facts);
    snprintf(intune->user_agent, sizeof(intune->user_agent), "Linux Company Portal/%s/%s",
             intune->facts.distribution, intune->facts.version);
    *ret_session = intune;
    return ENROLL_OK;
}

static void intune_close(void *session)
{
    struct intune *intune = session;
    if (intune == NULL)
        return;
    for (size_t i = 0; i < intune->token_count; i++)
        credential_free(&intune->tokens[i].credential);
    free(intune);
}

/* ---- enrolment ---- */

/* PEM with its lines, as the service wants it. */
static char *request_pem(const uint8_t *der, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = bio != NULL && PEM_write_bio(bio, PEM_STRING_X509_REQ, "", der, (long)size) > 0
                     ? bio_text_copy(bio)
                     : NULL;
    BIO_free(bio);
    return text;
}

/* Days before the certificate's end: renewPeriod counts from its issue. */
static unsigned period_days(const struct intune_enrolled *enrolled)
{
    const unsigned char *cursor = enrolled->certificate;
    X509 *x509 = d2i_X509(NULL, &cursor, (long)enrolled->certificate_size);
    int days = 0, seconds = 0;
    bool read = x509 != NULL && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509)) == 1;
    X509_free(x509);
    ERR_clear_error();
    return read && enrolled->renew_days != 0 && (unsigned)days > enrolled->renew_days
               ? (unsigned)days - enrolled->renew_days
               : 0;
}

static bool record_fill(const struct intune *intune, const struct intune_enrolled *enrolled)
{
    struct record *record = intune->request->record;
    unsigned period = period_days(enrolled);
    return record_set(record, RECORD_SERVICE_URL, intune->services.enrollment) &&
           record_set(record, RECORD_SERVICE_NAME, "Microsoft Intune") &&
           record_set(record, RECORD_CHECK_IN, intune->services.check_in) &&
           record_set(record, RECORD_DEVICE_ID, enrolled->device_id) &&
           record_set(record, RECORD_DEVICE_NAME, intune->facts.device_name) &&
           record_number_set(record, RECORD_RETRY, 1) &&
           (period == 0 ? record_set(record, RECORD_PERIOD, NULL)
                        : record_number_set(record, RECORD_PERIOD, period));
}

static enum enroll_exit answer_take(struct intune *intune, const struct https_response *response,
                                    struct protocol_answer *answer, struct enroll_error *error)
{
    struct intune_enrolled enrolled;
    const char *before = record_get(intune->request->record, RECORD_DEVICE_ID);
    enum enroll_exit status =
        intune_enrolled_read((const char *)response->body, response->body_size, &enrolled, error);
    if (status != ENROLL_OK)
        return status;
    if (before != NULL && strcasecmp(before, enrolled.device_id) != 0)
        intune_tell(intune, PROGRESS_WARNING, "Intune has given this device another id: %s, before it was %s",
                    enrolled.device_id, before);
    if (!record_fill(intune, &enrolled) ||
        !received_certificate_add(&answer->received, RECEIVED_DEVICE, enrolled.certificate,
                                  enrolled.certificate_size))
        status = enroll_error_memory(error);
    if (status == ENROLL_OK)
        intune_tell(intune, PROGRESS_DONE, "certificate received, device id %s", enrolled.device_id);
    intune_enrolled_clear(&enrolled);
    return status;
}

static enum enroll_exit request_send(struct intune *intune, const char *pem, struct protocol_answer *answer,
                                     struct enroll_error *error)
{
    char path[160];
    struct https_response response;
    char *body = intune_enroll_write(pem, intune->client_version, intune->facts.device_name);
    if (body == NULL)
        return enroll_error_memory(error);
    snprintf(path, sizeof(path), "/enroll?api-version=1.0&client-version=%s", intune->client_version);
    const struct intune_call call = {.name = "Enrollment",
                                     .audience = AUDIENCE_ENROLLMENT,
                                     .service = intune->services.enrollment,
                                     .path = path,
                                     .body = body};
    enum enroll_exit status = intune_call(intune, &call, &response, error);
    free(body);
    if (status != ENROLL_OK)
        return status;
    status = answer_take(intune, &response, answer, error);
    https_response_free(&response);
    return status;
}

static enum enroll_exit certificate_get(struct intune *intune, struct protocol_answer *answer,
                                        struct enroll_error *error)
{
    uint8_t *der = NULL;
    size_t size = 0;
    intune_step(intune, STEP_ENROL, "Making the key and asking for its certificate");
    enum enroll_exit status = intune->request->make_request(intune->request->context, &answer->requirements,
                                                            intune->facts.device_name, &der, &size, error);
    if (status != ENROLL_OK)
        return status;
    char *pem = request_pem(der, size);
    status = pem != NULL ? request_send(intune, pem, answer, error) : enroll_error_memory(error);
    free(pem);
    free(der);
    return status;
}

/* Renewal is the same: no message for one is known. */
static enum enroll_exit intune_enrol(void *session, struct protocol_answer *ret_answer,
                                     struct enroll_error *ret_error)
{
    struct intune *intune = session;
    certificate_requirements_default(&ret_answer->requirements);
    ret_answer->requirements.from_policy = true;
    intune_step(intune, STEP_SERVICES, "Looking for the services");
    enum enroll_exit status = intune_services_find(intune, ret_error);
    if (status == ENROLL_OK) {
        intune_tell(intune, PROGRESS_DONE, "%s", intune->services.enrollment);
        intune_step(intune, STEP_TOKEN, "Getting the enrolment token");
        status = intune_token(intune, AUDIENCE_ENROLLMENT, ret_error);
    }
    if (status == ENROLL_OK) {
        intune_tell(intune, PROGRESS_DONE, "%s", "");
        status = certificate_get(intune, ret_answer, ret_error);
    }
    if (status != ENROLL_OK) {
        intune_tell(intune, PROGRESS_FAILED, "%s", ret_error->message);
        ret_error->step = intune->step;
        protocol_answer_clear(ret_answer);
    }
    return status;
}

const struct protocol protocol_intune_linux = {
    .name = "intune-linux",
    .title = "Intune's service for Linux devices",
    .steps = steps,
    .key_step = STEP_ENROL,
    .settings = intune_settings,
    .facts = facts,
    .suits = suits,
    .open = intune_open,
    .close = intune_close,
    .enrol = intune_enrol,
    .renew = intune_enrol,
    .check_in = intune_check_in,
    .retire = intune_retire,
};
