/* POST .../enroll: a certificate for a registered device. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "answer.h"
#include "authority.h"
#include "certificate.h"
#include "csr.h"
#include "devices.h"
#include "members.h"

static struct json_object *blob_make(const struct behaviour *behaviour, X509 *certificate)
{
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    if (size <= 0)
        abort();
    struct text bytes = {0};
    text_bytes_append(&bytes, der, (size_t)size);
    if (behaviour_is(behaviour, "certificate", "trailing-bytes"))
        text_append(&bytes, "x");
    struct json_object *blob = NULL;
    if (behaviour_is(behaviour, "encoding", "base64")) {
        struct text base64 = {0};
        text_base64_append(&base64, bytes.data, bytes.size);
        blob = json_object_new_string(base64.data);
        text_clear(&base64);
    } else {
        blob = json_object_new_array();
        for (size_t i = 0; i < bytes.size; i++)
            json_object_array_add(blob, json_object_new_int((unsigned char)bytes.data[i]));
        if (behaviour_is(behaviour, "certificate", "out-of-range"))
            json_object_array_put_idx(blob, 0, json_object_new_int(0x130));
    }
    OPENSSL_free(der);
    text_clear(&bytes);
    return blob;
}

static struct json_object *certificate_object_make(const struct behaviour *behaviour, X509 *certificate)
{
    char thumbprint[41];
    certificate_hash_write(certificate, thumbprint);
    if (behaviour_is(behaviour, "certificate", "wrong-thumbprint"))
        thumbprint[0] = thumbprint[0] == '0' ? '1' : '0';
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "thumbprint", json_object_new_string(thumbprint));
    json_object_object_add(object, "certBlob", blob_make(behaviour, certificate));
    return object;
}

static void certificate_answer(const struct call *call, const char *id, X509 *certificate,
                               struct answer *answer)
{
    const struct behaviour *behaviour = &call->service->behaviour;
    int period = behaviour_is(behaviour, "renew-period", "negative") ? -1 : (int)call->service->renew_period;
    bool outside = behaviour_is(behaviour, "renew-period", "outside");
    bool both = behaviour_is(behaviour, "renew-period", "both");
    bool none = behaviour_is(behaviour, "renew-period", "none");
    struct json_object *object = certificate_object_make(behaviour, certificate);
    if (!outside && !none)
        json_object_object_add(object, "renewPeriod", json_object_new_int(period));
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "deviceId", json_object_new_string(id));
    json_object_object_add(body, "certificate", object);
    if (outside || both)
        json_object_object_add(body, "renewPeriod", json_object_new_int(period));
    answer_json_set(answer, body);
    (void)snprintf(answer->outcome, sizeof(answer->outcome), "certificate for %s", id);
}

void enroll_answer(const struct call *call, struct answer *answer)
{
    static const char *const names[] = {"CertificateSigningRequest", "AppVersion", "DeviceName", NULL};
    struct service *service = call->service;
    const char *missing = members_check(call->body, names);
    EVP_PKEY *key = NULL;
    char id[ID_SIZE];
    if (missing != NULL) {
        answer_problem_set(answer, 400, missing, "The field is required.");
        return;
    }
    const char *name = member_text(call->body, "DeviceName");
    const char *wrong = csr_check(member_text(call->body, "CertificateSigningRequest"), name, &key);
    if (wrong != NULL) {
        answer_problem_set(answer, 400, "CertificateSigningRequest", wrong);
        return;
    }
    bool another = behaviour_is(&service->behaviour, "device", "new-id");
    if (!device_enroll(service, call->device, name, another, id)) {
        answer_message_set(answer, 500, "InternalError", "the device cannot be stored");
    } else {
        X509 *certificate = authority_certificate_issue(service->authority, key, id, &service->options.modes);
        certificate_answer(call, id, certificate, answer);
        X509_free(certificate);
    }
    EVP_PKEY_free(key);
}
