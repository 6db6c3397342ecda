#include "p11-client.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where attributes are read to. */
static unsigned char buffers[12][8192];

static void check(CK_RV rv, const char *function)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "p11-bench: %s: 0x%lx\n", function, rv);
    exit(1);
}

void p11_client_load(struct p11_client *client, const struct p11_options *options)
{
    CK_RV (*get_function_list)(CK_FUNCTION_LIST **);

    memset(client, 0, sizeof *client);
    memset(buffers, 0xff,
           sizeof buffers); /* else the first search would pay for the kernel's giving of the pages */
    client->options = options;
    client->library = dlopen(options->module, RTLD_NOW | RTLD_LOCAL);
    if (client->library == NULL) {
        fprintf(stderr, "p11-bench: %s\n", dlerror());
        exit(1);
    }
    *(void **)&get_function_list = dlsym(client->library, "C_GetFunctionList"); /* as dlsym(3) has it */
    if (get_function_list == NULL) {
        fprintf(stderr, "p11-bench: %s\n", dlerror());
        exit(1);
    }
    check(get_function_list(&client->functions), "C_GetFunctionList");
}

void p11_client_initialize(struct p11_client *client)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};

    check(client->functions->C_Initialize(&arguments), "C_Initialize");
}

static bool label_is(const unsigned char label[32], const char *wanted)
{
    size_t size = strlen(wanted);

    if (size > 32 || memcmp(label, wanted, size) != 0)
        return false;
    for (; size < 32; size++)
        if (label[size] != ' ' && label[size] != '\0')
            return false;
    return true;
}

void p11_client_open(struct p11_client *client)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_TOKEN_INFO info;

    check(client->functions->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        check(client->functions->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
        if ((info.flags & CKF_TOKEN_INITIALIZED) == 0)
            continue;
        if (client->options->token != NULL && !label_is(info.label, client->options->token))
            continue;
        client->slot = slots[i];
        check(p11_client_session(client, &client->session), "C_OpenSession");
        return;
    }
    fputs("p11-bench: there is no such token\n", stderr);
    exit(1);
}

CK_RV p11_client_session(const struct p11_client *client, CK_SESSION_HANDLE *ret_session)
{
    return client->functions->C_OpenSession(client->slot, CKF_SERIAL_SESSION, NULL, NULL, ret_session);
}

void p11_client_login(struct p11_client *client)
{
    const char *pin = client->options->pin;

    if (pin != NULL)
        check(
            client->functions->C_Login(client->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)),
            "C_Login");
}

static void read_attributes(struct p11_client *client, CK_OBJECT_HANDLE object)
{
    static const CK_ATTRIBUTE_TYPE types[12] = {
        CKA_CLASS,         CKA_TOKEN, CKA_LABEL,    CKA_ID,      CKA_SUBJECT,   CKA_ISSUER,
        CKA_SERIAL_NUMBER, CKA_VALUE, CKA_KEY_TYPE, CKA_MODULUS, CKA_EC_PARAMS, CKA_ALWAYS_AUTHENTICATE,
    };
    CK_ATTRIBUTE attributes[12];
    CK_RV rv;

    for (size_t i = 0; i < 12; i++)
        attributes[i] = (CK_ATTRIBUTE){types[i], buffers[i], sizeof buffers[i]};
    rv = client->functions->C_GetAttributeValue(client->session, object, attributes, 12);
    if (rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE)
        check(rv, "C_GetAttributeValue");
}

static CK_OBJECT_HANDLE find(struct p11_client *client, CK_ATTRIBUTE *template, CK_ULONG size, bool read)
{
    CK_OBJECT_HANDLE objects[16];
    CK_ULONG count = 0;

    check(client->functions->C_FindObjectsInit(client->session, template, size), "C_FindObjectsInit");
    check(client->functions->C_FindObjects(client->session, objects, 16, &count), "C_FindObjects");
    check(client->functions->C_FindObjectsFinal(client->session), "C_FindObjectsFinal");
    for (CK_ULONG i = 0; read && i < count; i++)
        read_attributes(client, objects[i]);
    return count > 0 ? objects[0] : CK_INVALID_HANDLE;
}

void p11_client_search(struct p11_client *client)
{
    CK_OBJECT_CLASS classes[3] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    CK_KEY_TYPE key_type = client->options->key_type;
    CK_ATTRIBUTE template[2] = {
        {CKA_CLASS, &classes[0], sizeof classes[0]},
        {CKA_KEY_TYPE, &key_type, sizeof key_type},
    };

    for (size_t i = 0; i < 3; i++) {
        template[0].pValue = &classes[i];
        (void)find(client, template, 1, true);
    }
    client->key = find(client, template, 2, false);
    if (client->key == CK_INVALID_HANDLE) {
        fputs("p11-bench: there is no such key\n", stderr);
        exit(1);
    }
}

void p11_client_close(struct p11_client *client)
{
    check(client->functions->C_Finalize(NULL), "C_Finalize");
}

CK_RV p11_client_sign(const struct p11_client *client, CK_SESSION_HANDLE session)
{
    /* The DigestInfo of SHA-256 (RFC 8017, 9.2, note 1), then a digest; ECDSA and PSS take the digest alone.
     */
    static const unsigned char digest_info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                  0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                  0x01, 0x05, 0x00, 0x04, 0x20, 0x5a, 0xa5};
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    const unsigned char *input = digest_info + 19;
    CK_ULONG input_size = 32, size = 1024;
    unsigned char signature[1024];
    CK_RV rv;

    if (client->options->key_type == CKK_RSA && client->options->pss) {
        mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    } else if (client->options->key_type == CKK_RSA) {
        mechanism.mechanism = CKM_RSA_PKCS;
        input = digest_info;
        input_size = sizeof digest_info;
    }
    rv = client->functions->C_SignInit(session, &mechanism, client->key);
    if (rv == CKR_OK)
        rv = client->functions->C_Sign(session, (unsigned char *)(uintptr_t)input, input_size, signature,
                                       &size);
    return rv;
}
