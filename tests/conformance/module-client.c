#include "module-client.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ecdsa.h>
#include <openssl/x509.h>

CK_FUNCTION_LIST *p11;
CK_FUNCTION_LIST_3_0 *p11_3;

void module_load(void)
{
    CK_C_GetFunctionList get_function_list;
    CK_GETINTERFACE *get_interface;
    CK_INTERFACE *interface;
    CK_VERSION version = {3, 0};

    if (p11 != NULL)
        return;
    const char *path = getenv("INTUNE_TPM_MODULE");
    assert_non_null(path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_msg("%s", dlerror());
    *(void **)&get_function_list = dlsym(library, "C_GetFunctionList");
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    assert_non_null(get_function_list);
    assert_non_null(get_interface);
    assert_rv(CKR_OK, get_function_list(&p11));
    assert_rv(CKR_OK, get_interface((CK_UTF8CHAR *)"PKCS 11", &version, &interface, CKF_INTERFACE_FORK_SAFE));
    p11_3 = interface->pFunctionList;
}

int world_begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    simulator_start(&world->simulator);
    snprintf(world->directory, sizeof world->directory, "%s/token", world->simulator.directory);
    assert_int_equal(setenv("INTUNE_TPM_TCTI", world->simulator.tcti, 1), 0);
    assert_int_equal(setenv("INTUNE_TPM_TOKEN_DIR", world->directory, 1), 0);
    module_load();
    *state = world;
    return 0;
}

int world_end(void **state)
{
    struct world *world = *state;
    world_remove_token(world);
    simulator_remove(&world->simulator);
    free(world);
    return 0;
}

void world_make_token(const struct world *world, const char *options)
{
    char command[1024];
    snprintf(command, sizeof command, "\"%s\" --directory \"%s\" %s >/dev/null", getenv("MAKE_TOKEN"),
             world->directory, options);
    assert_int_equal(system(command), 0);
}

void world_remove_token(const struct world *world)
{
    char command[512];
    snprintf(command, sizeof command, "rm -rf \"%s\"", world->directory);
    assert_int_equal(system(command), 0);
}

void initialize(void)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    assert_rv(CKR_OK, p11->C_Initialize(&args));
}

void finalize(void)
{
    assert_rv(CKR_OK, p11->C_Finalize(NULL));
}

CK_SESSION_HANDLE open_session(CK_FLAGS flags)
{
    CK_SESSION_HANDLE session;
    assert_rv(CKR_OK, p11->C_OpenSession(0, CKF_SERIAL_SESSION | flags, NULL, NULL, &session));
    return session;
}

CK_ULONG count_objects(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_OBJECT_HANDLE objects[64];
    CK_ULONG found;
    assert_rv(CKR_OK, p11->C_FindObjectsInit(session, template, count));
    assert_rv(CKR_OK, p11->C_FindObjects(session, objects, 64, &found));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(session));
    return found;
}

CK_OBJECT_HANDLE find_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE object; /* of the certificates the device's comes first */
    CK_ULONG found;
    assert_rv(CKR_OK, p11->C_FindObjectsInit(session, template, 1));
    assert_rv(CKR_OK, p11->C_FindObjects(session, &object, 1, &found));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(session));
    assert_int_equal(found, 1);
    return object;
}

size_t get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                     void *ret_value, size_t size)
{
    CK_ATTRIBUTE attribute = {type, ret_value, size};
    CK_RV rv = p11->C_GetAttributeValue(session, object, &attribute, 1);
    if (rv != CKR_OK)
        fail_msg("attribute 0x%lx: 0x%lx", type, rv);
    return attribute.ulValueLen;
}

EVP_PKEY *token_public_key(CK_SESSION_HANDLE session)
{
    uint8_t info[1024];
    const uint8_t *cursor = info;
    size_t size =
        get_attribute(session, find_object(session, CKO_PUBLIC_KEY), CKA_PUBLIC_KEY_INFO, info, sizeof info);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &cursor, (long)size);
    assert_non_null(key);
    return key;
}

size_t sign(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, const void *data,
            size_t data_size, uint8_t ret_signature[512])
{
    CK_ULONG size = 512;
    assert_rv(CKR_OK, p11->C_SignInit(session, mechanism, key));
    assert_rv(CKR_OK, p11->C_Sign(session, (CK_BYTE *)(uintptr_t)data, data_size, ret_signature, &size));
    return size;
}

bool ecdsa_is_right(EVP_PKEY *key, const uint8_t *digest, size_t digest_size, const uint8_t *signature,
                    size_t size)
{
    unsigned char *der = NULL;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    ECDSA_SIG_set0(numbers, BN_bin2bn(signature, (int)size / 2, NULL),
                   BN_bin2bn(signature + size / 2, (int)size / 2, NULL));
    int der_size = i2d_ECDSA_SIG(numbers, &der);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    bool right = EVP_PKEY_verify(context, der, (size_t)der_size, digest, digest_size) == 1;
    EVP_PKEY_CTX_free(context);
    ECDSA_SIG_free(numbers);
    OPENSSL_free(der);
    return right;
}
