#include "key_choice.h"

#include <string.h>

static const struct {
    const char *name;
    enum tpm_key_type type;
    unsigned bits;
    enum tpm_curve curve;
} keys[] = {
    {"rsa2048", TPM_KEY_RSA, 2048, TPM_CURVE_NONE}, {"rsa3072", TPM_KEY_RSA, 3072, TPM_CURVE_NONE},
    {"rsa4096", TPM_KEY_RSA, 4096, TPM_CURVE_NONE}, {"p256", TPM_KEY_EC, 256, TPM_CURVE_P256},
    {"p384", TPM_KEY_EC, 384, TPM_CURVE_P384},      {"p521", TPM_KEY_EC, 521, TPM_CURVE_P521},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

bool key_choice_parse(const char *text, struct key_choice *ret_choice)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcasecmp(text, keys[i].name) != 0)
            continue;
        *ret_choice = (struct key_choice){
            .chosen = true, .type = keys[i].type, .bits = keys[i].bits, .curve = keys[i].curve};
        return true;
    }
    return false;
}

static unsigned curve_bits(enum tpm_curve curve)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].curve == curve && curve != TPM_CURVE_NONE)
            return keys[i].bits;
    }
    return 256;
}

static const char *type_name(enum tpm_key_type type)
{
    return type == TPM_KEY_RSA ? "RSA" : "EC";
}

/* The smallest that satisfies `minimum` bits; 0 when none of ours does. */
static size_t smallest(enum tpm_key_type type, unsigned minimum, bool *ret_found)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].type == type && keys[i].bits >= minimum) {
            *ret_found = true;
            return i;
        }
    }
    *ret_found = false;
    return 0;
}

static enum enroll_exit tpm_can(const struct tpm_key_request *request, const struct tpm_facts *facts,
                                struct enroll_error *error)
{
    static const char advice[] = "ask whoever runs the server for a policy that this TPM can fulfil";
    if (request->type == TPM_KEY_RSA && request->bits > facts->rsa_max_bits)
        return enroll_error_set(error, ENROLL_POLICY, advice,
                                "an RSA key of %u bits is asked for, this TPM makes keys of at most %u bits",
                                request->bits, facts->rsa_max_bits);
    if (request->type == TPM_KEY_RSA)
        return ENROLL_OK;
    bool can = request->curve == TPM_CURVE_P256   ? facts->p256
               : request->curve == TPM_CURVE_P384 ? facts->p384
                                                  : request->curve == TPM_CURVE_P521 && facts->p521;
    if (!can)
        return enroll_error_set(error, ENROLL_POLICY, advice,
                                "a key on a curve of %u bits is asked for, this TPM's largest has %u bits",
                                curve_bits(request->curve),
                                facts->p521   ? 521U
                                : facts->p384 ? 384U
                                : facts->p256 ? 256U
                                              : 0U);
    return ENROLL_OK;
}

enum enroll_exit key_choice_decide(const struct key_choice *choice,
                                   const struct certificate_requirements *requirements,
                                   const struct tpm_facts *facts, struct tpm_key_request *ret_request,
                                   struct enroll_error *ret_error)
{
    bool rsa = requirements->key_type != TPM_KEY_EC;
    unsigned minimum = rsa ? requirements->minimum_bits : curve_bits(requirements->curve);
    enum tpm_key_type type = rsa ? TPM_KEY_RSA : TPM_KEY_EC;
    struct tpm_key_request request = {0};
    bool found;

    if (choice->chosen) {
        if (requirements->from_policy && (choice->type != type || choice->bits < minimum))
            return enroll_error_set(ret_error, ENROLL_POLICY, "leave --key out, or choose one that it allows",
                                    "--key asks for %s %u, the server's policy for %s of at least %u bits",
                                    type_name(choice->type), choice->bits, type_name(type), minimum);
        request =
            (struct tpm_key_request){.type = choice->type, .bits = choice->bits, .curve = choice->curve};
    } else {
        size_t index = smallest(type, minimum, &found);
        if (!found)
            return enroll_error_set(
                ret_error, ENROLL_POLICY, "ask whoever runs the server for a policy that this TPM can fulfil",
                "the server's policy asks for %s of at least %u bits, this TPM makes keys of at most %u bits",
                type_name(type), minimum, rsa ? facts->rsa_max_bits : 521U);
        request = (struct tpm_key_request){
            .type = keys[index].type, .bits = keys[index].bits, .curve = keys[index].curve};
    }
    enum enroll_exit status = tpm_can(&request, facts, ret_error);
    if (status == ENROLL_OK)
        *ret_request = request;
    return status;
}
