/*
 * The module's entry points in any order and with any templates, mechanisms and handles, as an application
 * with a fault or a p11-kit client of another user may call them. The token is real in form, its key is in no
 * TPM. Every buffer has exactly the size that is told, so that the sanitizer sees one byte too many.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding.h"
#include "object.h"
#include "pkcs11.h"
#include "token_directory.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_MAX  256
#define HANDLES    4
#define ATTRIBUTES 8
#define BUFFER_MAX 1024

/* ---- the token ---- */

static struct token_bytes bytes_of(const char *text)
{
    struct token_bytes bytes = {(uint8_t *)strdup(text), strlen(text)};
    return bytes;
}

static void describe(struct token_certificate *certificate, const char *name)
{
    certificate->value = bytes_of(name);
    certificate->subject = bytes_of(name);
    certificate->issuer = bytes_of("issuer");
    certificate->serial_number = bytes_of("serial");
    certificate->public_key_info = bytes_of("public key info");
    memcpy(certificate->not_before, "20260101", 9);
    memcpy(certificate->not_after, "20270101", 9);
    certificate->id[0] = 1;
    certificate->id_size = 1;
}

static void fill(struct token_generation *generation, enum tpm_key_type type, bool pin)
{
    struct tpm_key *key = &generation->key;
    strcpy(generation->label, "token");
    strcpy(generation->serial, "1234");
    strcpy(generation->object_label, "device");
    generation->id[0] = 1;
    generation->id_size = 1;
    key->public_key.type = type;
    key->public_key.bits = type == TPM_KEY_RSA ? 2048 : 256;
    key->public_key.exponent = 65537;
    key->public_key.curve = TPM_CURVE_P256;
    memset(key->public_key.modulus, 0xc5, 256);
    memset(key->public_key.x, 1, 32);
    memset(key->public_key.y, 2, 32);
    key->public_blob_size = key->private_blob_size = key->parent_public_size = 8;
    key->parent = 0x40000001;
    key->has_pin = pin;
    generation->public_key_info = bytes_of("public key info");
    generation->has_certificate = true;
    generation->chain_count = 1;
    describe(&generation->certificate, "device certificate");
    describe(&generation->chain[0], "issuer certificate");
}

static void write_file(const char *directory, const char *name, const char *text, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(text, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void write_certificate(const char *directory, const char *name, const struct token_bytes *value)
{
    char base64[256], text[512];
    base64_encode(value->data, value->size, base64);
    int size =
        snprintf(text, sizeof text, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", base64);
    write_file(directory, name, text, (size_t)size);
}

static char root[64];

static void make_token(unsigned number, enum tpm_key_type type, bool pin)
{
    char path[256], target[64];
    char *text;
    size_t size;
    struct token_generation *generation = calloc(1, sizeof *generation);
    if (generation == NULL)
        abort();
    fill(generation, type, pin);
    snprintf(path, sizeof path, "%s/%u", root, number);
    snprintf(target, sizeof target, "generations/1");
    if (mkdir(path, 0700) != 0)
        abort();
    snprintf(path, sizeof path, "%s/%u/generations", root, number);
    if (mkdir(path, 0700) != 0)
        abort();
    snprintf(path, sizeof path, "%s/%u/current", root, number);
    if (symlink(target, path) != 0)
        abort();
    snprintf(path, sizeof path, "%s/%u/generations/1", root, number);
    if (mkdir(path, 0700) != 0 || !token_conf_format(generation, &text, &size))
        abort();
    write_file(path, "token.conf", text, size);
    write_certificate(path, "device.crt", &generation->certificate.value);
    write_certificate(path, "chain.crt", &generation->chain[0].value);
    free(text);
    token_generation_free(generation);
}

static void remove_tokens(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    if (system(command) != 0)
        perror(root);
}

/* Puts another token, or none, where the module looks: a link that is replaced. */
static void show_token(unsigned number)
{
    char target[16], link[128], fresh[128];
    snprintf(target, sizeof target, "%u", number);
    snprintf(link, sizeof link, "%s/shown", root);
    snprintf(fresh, sizeof fresh, "%s/fresh", root);
    if (symlink(target, fresh) != 0 || rename(fresh, link) != 0)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char shown[128];

    (void)argc;
    (void)argv;
    strcpy(root, "/tmp/fuzz-module.XXXXXX");
    if (mkdtemp(root) == NULL)
        abort();
    atexit(remove_tokens);
    make_token(0, TPM_KEY_RSA, false);
    make_token(1, TPM_KEY_EC, false);
    make_token(2, TPM_KEY_EC, true);
    setenv("INTUNE_TPM_TCTI", "device:/nonexistent/tpm", 1);
    snprintf(shown, sizeof shown, "%s/shown", root);
    setenv("INTUNE_TPM_TOKEN_DIR", shown, 1);
    return 0;
}

/* ---- what the input says ---- */

struct input {
    const uint8_t *data;
    size_t size;
    CK_SESSION_HANDLE sessions[HANDLES];
    CK_OBJECT_HANDLE objects[HANDLES];
    void *blocks[64]; /* of the running call */
    size_t block_count;
};

static uint8_t take(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

/* A buffer of a size that the input chooses, with what the input has for it; now and then none. */
static CK_BYTE *take_buffer(struct input *input, CK_ULONG *ret_size)
{
    unsigned choice = take(input);
    size_t size = choice < 0xf0 ? choice : (choice - 0xf0U) * 64;
    *ret_size = size;
    if (choice == 0xff || input->block_count == sizeof input->blocks / sizeof input->blocks[0])
        return NULL;
    CK_BYTE *block = malloc(size > 0 ? size : 1);
    if (block == NULL)
        abort();
    size_t given = size < input->size ? size : input->size;
    memset(block, 0, size > 0 ? size : 1);
    if (given > 0)
        memcpy(block, input->data, given);
    input->data += given;
    input->size -= given;
    input->blocks[input->block_count++] = block;
    return block;
}

static CK_ATTRIBUTE_TYPE take_attribute_type(struct input *input)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,
                                              CKA_TOKEN,
                                              CKA_PRIVATE,
                                              CKA_LABEL,
                                              CKA_UNIQUE_ID,
                                              CKA_ID,
                                              CKA_VALUE,
                                              CKA_SUBJECT,
                                              CKA_CHECK_VALUE,
                                              CKA_KEY_TYPE,
                                              CKA_MODULUS,
                                              CKA_MODULUS_BITS,
                                              CKA_PUBLIC_EXPONENT,
                                              CKA_EC_POINT,
                                              CKA_EC_PARAMS,
                                              CKA_SIGN,
                                              CKA_ALLOWED_MECHANISMS,
                                              CKA_WRAP_TEMPLATE,
                                              CKA_PRIVATE_EXPONENT,
                                              CKA_PUBLIC_KEY_INFO,
                                              CKA_PROFILE_ID};
    uint8_t choice = take(input);
    return choice < sizeof types / sizeof types[0] ? types[choice]
                                                   : (CK_ATTRIBUTE_TYPE)choice << 24 | take(input);
}

static CK_ULONG take_template(struct input *input, CK_ATTRIBUTE template[ATTRIBUTES])
{
    CK_ULONG count = take(input) % (ATTRIBUTES + 1);
    for (CK_ULONG i = 0; i < count; i++) {
        template[i].type = take_attribute_type(input);
        template[i].pValue = take_buffer(input, &template[i].ulValueLen);
    }
    return count;
}

static CK_MECHANISM *take_mechanism(struct input *input, CK_MECHANISM *mechanism)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_RSA_PKCS,
                                              CKM_RSA_PKCS_PSS,
                                              CKM_RSA_X_509,
                                              CKM_SHA1_RSA_PKCS,
                                              CKM_SHA256_RSA_PKCS,
                                              CKM_SHA512_RSA_PKCS,
                                              CKM_SHA224_RSA_PKCS_PSS,
                                              CKM_SHA256_RSA_PKCS_PSS,
                                              CKM_ECDSA,
                                              CKM_ECDSA_SHA1,
                                              CKM_ECDSA_SHA384,
                                              CKM_SHA_1,
                                              CKM_SHA256,
                                              CKM_SHA512,
                                              CKM_AES_CBC};
    static const CK_MECHANISM_TYPE hashes[] = {CKM_SHA_1,  CKM_SHA224, CKM_SHA256,
                                               CKM_SHA384, CKM_SHA512, CKM_RSA_PKCS};
    uint8_t choice = take(input);
    if (choice == 0xff)
        return NULL;
    mechanism->mechanism = types[choice % (sizeof types / sizeof types[0])];
    if (choice < 0x80) {
        mechanism->pParameter = NULL;
        mechanism->ulParameterLen = 0;
    } else if (choice < 0xe0) {
        CK_ULONG size;
        CK_RSA_PKCS_PSS_PARAMS parameters = {hashes[take(input) % 6], take(input) % 7, take(input)};
        CK_BYTE *block = take_buffer(input, &size);
        if (block != NULL && size >= sizeof parameters)
            memcpy(block, &parameters, sizeof parameters);
        mechanism->pParameter = block;
        mechanism->ulParameterLen = block != NULL && size >= sizeof parameters ? sizeof parameters : size;
    } else {
        mechanism->pParameter = take_buffer(input, &mechanism->ulParameterLen);
    }
    return mechanism;
}

static CK_SESSION_HANDLE take_session(struct input *input)
{
    uint8_t choice = take(input);
    return choice < 0xf8 ? input->sessions[choice % HANDLES] : (CK_SESSION_HANDLE)choice << (choice & 7) * 4;
}

static CK_OBJECT_HANDLE take_object(struct input *input)
{
    uint8_t choice = take(input);
    if (choice < 0x80)
        return input->objects[choice % HANDLES];
    return choice < 0xf8 ? 0x100UL + (choice & 15) : (CK_OBJECT_HANDLE)choice << (choice & 7) * 8;
}

/* ---- the calls ---- */

static void call_slot(struct input *input)
{
    CK_SLOT_ID slots[2];
    CK_ULONG count = take(input) % 3;
    CK_TOKEN_INFO token_info;
    CK_SLOT_INFO slot_info;
    CK_MECHANISM_TYPE types[40];
    CK_MECHANISM_INFO info;
    CK_ULONG type_count = take(input) % 41;
    C_GetSlotList(take(input) & 1, slots, &count);
    C_GetSlotInfo(take(input) & 1, &slot_info);
    C_GetTokenInfo(take(input) & 1, &token_info);
    C_GetMechanismList(0, types, &type_count);
    C_GetMechanismInfo(0, take(input), &info);
}

static void call_session(struct input *input)
{
    CK_SESSION_INFO info;
    CK_ULONG pin_size;
    CK_UTF8CHAR *pin;
    switch (take(input) % 7) {
    case 0:
    case 1:
        C_OpenSession(0, CKF_SERIAL_SESSION | (take(input) & 1 ? CKF_RW_SESSION : 0), NULL, NULL,
                      &input->sessions[take(input) % HANDLES]);
        break;
    case 2:
        C_CloseSession(take_session(input));
        break;
    case 3:
        C_GetSessionInfo(take_session(input), &info);
        break;
    case 4: /* a PIN of a length that is none, so that no time goes into deriving */
        pin = take_buffer(input, &pin_size);
        C_Login(take_session(input), take(input) % 4, pin, pin_size % TPM_PIN_MIN);
        break;
    case 5:
        C_Logout(take_session(input));
        break;
    default:
        C_SessionCancel(take_session(input), (CK_FLAGS)take(input) << 6);
        break;
    }
}

static void call_object(struct input *input)
{
    CK_ATTRIBUTE template[ATTRIBUTES];
    CK_OBJECT_HANDLE found[HANDLES];
    CK_ULONG count, size;
    CK_SESSION_HANDLE session = take_session(input);
    switch (take(input) % 6) {
    case 0:
        count = take_template(input, template);
        C_FindObjectsInit(session, template, count);
        break;
    case 1:
        if (C_FindObjects(session, found, take(input) % (HANDLES + 1), &count) == CKR_OK && count > 0)
            memcpy(input->objects, found, count * sizeof found[0]);
        break;
    case 2:
        C_FindObjectsFinal(session);
        break;
    case 3:
        C_GetObjectSize(session, take_object(input), &size);
        break;
    case 4:
        count = take_template(input, template);
        C_CreateObject(session, template, count, &found[0]);
        break;
    default:
        count = take_template(input, template);
        C_GetAttributeValue(session, take_object(input), template, count);
        break;
    }
}

static void call_digest(struct input *input)
{
    CK_MECHANISM mechanism;
    CK_ULONG size, out_size;
    CK_SESSION_HANDLE session = take_session(input);
    CK_BYTE *data = take_buffer(input, &size), *out = take_buffer(input, &out_size);
    switch (take(input) % 5) {
    case 0:
        C_DigestInit(session, take_mechanism(input, &mechanism));
        break;
    case 1:
        C_Digest(session, data, size, out, &out_size);
        break;
    case 2:
        C_DigestUpdate(session, data, size);
        break;
    case 3:
        C_DigestKey(session, take_object(input));
        break;
    default:
        C_DigestFinal(session, out, &out_size);
        break;
    }
}

static void call_sign(struct input *input)
{
    CK_MECHANISM mechanism;
    CK_ULONG size, out_size;
    CK_SESSION_HANDLE session = take_session(input);
    CK_BYTE *data = take_buffer(input, &size), *out = take_buffer(input, &out_size);
    switch (take(input) % 8) {
    case 0:
        C_SignInit(session, take_mechanism(input, &mechanism), take_object(input));
        break;
    case 1:
        C_Sign(session, data, size, out, &out_size);
        break;
    case 2:
        C_SignUpdate(session, data, size);
        break;
    case 3:
        C_SignFinal(session, out, &out_size);
        break;
    case 4:
        C_VerifyInit(session, take_mechanism(input, &mechanism), take_object(input));
        break;
    case 5:
        C_Verify(session, data, size, out, out_size);
        break;
    case 6:
        C_VerifyUpdate(session, data, size);
        break;
    default:
        C_VerifyFinal(session, out, out_size);
        break;
    }
}

static void call_random(struct input *input)
{
    CK_ULONG size;
    CK_BYTE *data = take_buffer(input, &size);
    C_GenerateRandom(take_session(input), data, size);
    C_SeedRandom(take_session(input), data, size);
}

static void call_life(struct input *input)
{
    unsigned token = take(input) % 4U;
    switch (take(input) % 8) {
    case 0:
        show_token(token);
        break;
    case 1:
        C_Finalize(NULL);
        C_Initialize(NULL);
        break;
    case 2:
        C_CloseAllSessions(take(input) & 1);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(struct input *) = {call_slot,   call_session, call_object,
                                                    call_object, call_digest,  call_sign,
                                                    call_sign,   call_random,  call_life};
    struct input input = {.data = data, .size = size};

    show_token(take(&input) % 3U);
    C_Initialize(NULL);
    for (size_t i = 0; i < HANDLES; i++) {
        C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &input.sessions[i]);
        input.objects[i] = 0x101 + i;
    }
    for (int i = 0; i < CALLS_MAX && input.size > 0; i++) {
        calls[take(&input) % (sizeof calls / sizeof calls[0])](&input);
        for (size_t j = 0; j < input.block_count; j++)
            free(input.blocks[j]);
        input.block_count = 0;
    }
    C_Finalize(NULL);
    return 0;
}
