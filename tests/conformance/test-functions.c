/*
 * Every function of the two tables, for what it says when the module is not initialised, when the session
 * does not exist, and when the session is there but nothing was begun or what is asked cannot be had.
 */
#include "module-client.h"

#include <string.h>

/* Something of each kind to give to a function. */
static CK_BYTE bytes[64];
static CK_ULONG size;
static CK_ULONG count;
static CK_BBOOL token_object = CK_TRUE;
static CK_ATTRIBUTE template[] = {{CKA_TOKEN, &token_object, sizeof token_object}};
static CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
static CK_OBJECT_HANDLE object = 1, new_object, other_object;
static CK_SESSION_INFO session_info;

#define NOT_BEGUN     CKR_OPERATION_NOT_INITIALIZED
#define NOT_SUPPORTED CKR_FUNCTION_NOT_SUPPORTED
#define PROTECTED     CKR_TOKEN_WRITE_PROTECTED
#define READ_ONLY     CKR_SESSION_READ_ONLY

/* X(table, function, arguments, what a fresh read-only session says, what a fresh read-write session says) */
#define SESSION_FUNCTIONS(X)                                                                                 \
    X(p11, C_InitPIN, (s, bytes, 4), READ_ONLY, CKR_USER_NOT_LOGGED_IN)                                      \
    X(p11, C_SetPIN, (s, bytes, 4, bytes, 4), READ_ONLY, PROTECTED)                                          \
    X(p11, C_GetSessionInfo, (s, &session_info), CKR_OK, CKR_OK)                                             \
    X(p11, C_GetOperationState, (s, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    X(p11, C_SetOperationState, (s, bytes, 1, 0, 0), NOT_SUPPORTED, NOT_SUPPORTED)                           \
    X(p11, C_Login, (s, CKU_SO, bytes, 4), CKR_USER_TYPE_INVALID, CKR_USER_TYPE_INVALID)                     \
    X(p11, C_Logout, (s), CKR_USER_NOT_LOGGED_IN, CKR_USER_NOT_LOGGED_IN)                                    \
    X(p11, C_CreateObject, (s, template, 1, &new_object), READ_ONLY, PROTECTED)                              \
    X(p11, C_CopyObject, (s, object, template, 1, &new_object), READ_ONLY, PROTECTED)                        \
    X(p11, C_DestroyObject, (s, object), READ_ONLY, PROTECTED)                                               \
    X(p11, C_GetObjectSize, (s, object, &size), CKR_OK, CKR_OK)                                              \
    X(p11, C_GetAttributeValue, (s, object, NULL, 0), CKR_OK, CKR_OK)                                        \
    X(p11, C_SetAttributeValue, (s, object, template, 1), READ_ONLY, PROTECTED)                              \
    X(p11, C_FindObjects, (s, &object, 0, &count), NOT_BEGUN, NOT_BEGUN)                                     \
    X(p11, C_FindObjectsFinal, (s), NOT_BEGUN, NOT_BEGUN)                                                    \
    X(p11, C_EncryptInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    X(p11, C_Encrypt, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    X(p11, C_EncryptUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                       \
    X(p11, C_EncryptFinal, (s, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                                  \
    X(p11, C_DecryptInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    X(p11, C_Decrypt, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    X(p11, C_DecryptUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                       \
    X(p11, C_DecryptFinal, (s, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                                  \
    X(p11, C_Digest, (s, bytes, 1, bytes, &size), NOT_BEGUN, NOT_BEGUN)                                      \
    X(p11, C_DigestUpdate, (s, bytes, 1), NOT_BEGUN, NOT_BEGUN)                                              \
    X(p11, C_DigestKey, (s, object), NOT_BEGUN, NOT_BEGUN)                                                   \
    X(p11, C_DigestFinal, (s, bytes, &size), NOT_BEGUN, NOT_BEGUN)                                           \
    X(p11, C_SignInit, (s, &mechanism, object), CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID)                \
    X(p11, C_Sign, (s, bytes, 1, bytes, &size), NOT_BEGUN, NOT_BEGUN)                                        \
    X(p11, C_SignUpdate, (s, bytes, 1), NOT_BEGUN, NOT_BEGUN)                                                \
    X(p11, C_SignFinal, (s, bytes, &size), NOT_BEGUN, NOT_BEGUN)                                             \
    X(p11, C_SignRecoverInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                         \
    X(p11, C_SignRecover, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                         \
    X(p11, C_VerifyInit, (s, &mechanism, object), CKR_KEY_FUNCTION_NOT_PERMITTED,                            \
      CKR_KEY_FUNCTION_NOT_PERMITTED)                                                                        \
    X(p11, C_Verify, (s, bytes, 1, bytes, 1), NOT_BEGUN, NOT_BEGUN)                                          \
    X(p11, C_VerifyUpdate, (s, bytes, 1), NOT_BEGUN, NOT_BEGUN)                                              \
    X(p11, C_VerifyFinal, (s, bytes, 1), NOT_BEGUN, NOT_BEGUN)                                               \
    X(p11, C_VerifyRecoverInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                       \
    X(p11, C_VerifyRecover, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                       \
    X(p11, C_DigestEncryptUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                 \
    X(p11, C_DecryptDigestUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                 \
    X(p11, C_SignEncryptUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                   \
    X(p11, C_DecryptVerifyUpdate, (s, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)                 \
    X(p11, C_GenerateKey, (s, &mechanism, template, 1, &new_object), READ_ONLY, PROTECTED)                   \
    X(p11, C_GenerateKeyPair, (s, &mechanism, template, 1, template, 1, &new_object, &other_object),         \
      READ_ONLY, PROTECTED)                                                                                  \
    X(p11, C_WrapKey, (s, &mechanism, object, object, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)           \
    X(p11, C_UnwrapKey, (s, &mechanism, object, bytes, 1, template, 1, &new_object), NOT_SUPPORTED,          \
      NOT_SUPPORTED)                                                                                         \
    X(p11, C_DeriveKey, (s, &mechanism, object, template, 1, &new_object), NOT_SUPPORTED, NOT_SUPPORTED)     \
    X(p11, C_SeedRandom, (s, bytes, 1), CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_SEED_NOT_SUPPORTED)        \
    X(p11, C_GenerateRandom, (s, bytes, 1), CKR_OK, CKR_OK)                                                  \
    X(p11, C_GetFunctionStatus, (s), CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_PARALLEL)                   \
    X(p11, C_CancelFunction, (s), CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_PARALLEL)                      \
    X(p11_3, C_LoginUser, (s, CKU_SO, bytes, 4, NULL, 0), CKR_USER_TYPE_INVALID, CKR_USER_TYPE_INVALID)      \
    X(p11_3, C_SessionCancel, (s, CKF_SIGN), CKR_OK, CKR_OK)                                                 \
    X(p11_3, C_MessageEncryptInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                    \
    X(p11_3, C_EncryptMessage, (s, bytes, 1, bytes, 1, bytes, 1, bytes, &size), NOT_SUPPORTED,               \
      NOT_SUPPORTED)                                                                                         \
    X(p11_3, C_EncryptMessageBegin, (s, bytes, 1, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)                   \
    X(p11_3, C_EncryptMessageNext, (s, bytes, 1, bytes, 1, bytes, &size, 0), NOT_SUPPORTED, NOT_SUPPORTED)   \
    X(p11_3, C_MessageEncryptFinal, (s), NOT_SUPPORTED, NOT_SUPPORTED)                                       \
    X(p11_3, C_MessageDecryptInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                    \
    X(p11_3, C_DecryptMessage, (s, bytes, 1, bytes, 1, bytes, 1, bytes, &size), NOT_SUPPORTED,               \
      NOT_SUPPORTED)                                                                                         \
    X(p11_3, C_DecryptMessageBegin, (s, bytes, 1, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)                   \
    X(p11_3, C_DecryptMessageNext, (s, bytes, 1, bytes, 1, bytes, &size, 0), NOT_SUPPORTED, NOT_SUPPORTED)   \
    X(p11_3, C_MessageDecryptFinal, (s), NOT_SUPPORTED, NOT_SUPPORTED)                                       \
    X(p11_3, C_MessageSignInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                       \
    X(p11_3, C_SignMessage, (s, bytes, 1, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)             \
    X(p11_3, C_SignMessageBegin, (s, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)                                \
    X(p11_3, C_SignMessageNext, (s, bytes, 1, bytes, 1, bytes, &size), NOT_SUPPORTED, NOT_SUPPORTED)         \
    X(p11_3, C_MessageSignFinal, (s), NOT_SUPPORTED, NOT_SUPPORTED)                                          \
    X(p11_3, C_MessageVerifyInit, (s, &mechanism, object), NOT_SUPPORTED, NOT_SUPPORTED)                     \
    X(p11_3, C_VerifyMessage, (s, bytes, 1, bytes, 1, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)               \
    X(p11_3, C_VerifyMessageBegin, (s, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)                              \
    X(p11_3, C_VerifyMessageNext, (s, bytes, 1, bytes, 1, bytes, 1), NOT_SUPPORTED, NOT_SUPPORTED)           \
    X(p11_3, C_MessageVerifyFinal, (s), NOT_SUPPORTED, NOT_SUPPORTED)                                        \
    X(p11, C_FindObjectsInit, (s, template, 1), CKR_OK, CKR_OK)                                              \
    X(p11, C_DigestInit, (s, &mechanism), CKR_OK, CKR_OK)                                                    \
    X(p11, C_CloseSession, (s), CKR_OK, CKR_OK)

#define CALL(table, function, arguments, read_only, read_write)                                              \
    static CK_RV call_##function(CK_SESSION_HANDLE s)                                                        \
    {                                                                                                        \
        size = sizeof bytes;                                                                                 \
        return table->function arguments;                                                                    \
    }
SESSION_FUNCTIONS(CALL)

static const struct {
    const char *name;
    CK_RV (*call)(CK_SESSION_HANDLE);
    CK_RV read_only, read_write;
} session_functions[] = {
#define ROW(table, function, arguments, read_only, read_write)                                               \
    {#function, call_##function, read_only, read_write},
    SESSION_FUNCTIONS(ROW)};

#define SESSION_FUNCTION_COUNT (sizeof session_functions / sizeof session_functions[0])

static void expect_all(CK_SESSION_HANDLE session, CK_RV expected)
{
    for (size_t i = 0; i < SESSION_FUNCTION_COUNT; i++) {
        CK_RV rv = session_functions[i].call(session);
        if (rv != expected)
            fail_msg("%s: 0x%lx, not 0x%lx", session_functions[i].name, rv, expected);
    }
}

/* All others are functions of the module or of a slot. */
static void nothing_works_before_initialize(void **state)
{
    CK_INFO info;
    CK_SLOT_ID slot;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_TYPE types[64];
    CK_MECHANISM_INFO mechanism_info;
    CK_SESSION_HANDLE session;

    (void)state;
    expect_all(1, CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_Finalize(NULL));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetInfo(&info));
    count = 1;
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetSlotList(CK_FALSE, &slot, &count));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetSlotInfo(0, &slot_info));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetTokenInfo(0, &token_info));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetMechanismList(0, types, &count));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetMechanismInfo(0, CKM_SHA256, &mechanism_info));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_InitToken(0, bytes, 4, bytes));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
    assert_rv(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_CloseAllSessions(0));
}

/* The two tables together have 92 functions; the 15 that need no session are called by name. */
static void every_function_is_there(void **state)
{
    void *entry;
    (void)state;
    assert_int_equal(SESSION_FUNCTION_COUNT, 68 + 24 - 15);
    for (size_t offset = sizeof(void *); offset < sizeof(CK_FUNCTION_LIST); offset += sizeof entry) {
        memcpy(&entry, (const char *)p11 + offset, sizeof entry);
        assert_non_null(entry);
    }
    for (size_t offset = sizeof(void *); offset < sizeof(CK_FUNCTION_LIST_3_0); offset += sizeof entry) {
        memcpy(&entry, (const char *)p11_3 + offset, sizeof entry);
        assert_non_null(entry);
    }
}

static void a_session_that_is_not_open_is_refused(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    assert_rv(CKR_OK, p11->C_CloseSession(session));
    expect_all(session, CKR_SESSION_HANDLE_INVALID);
    expect_all(CK_INVALID_HANDLE, CKR_SESSION_HANDLE_INVALID);
    expect_all(~0UL, CKR_SESSION_HANDLE_INVALID);
    /* a new session in the same place has another handle */
    assert_int_not_equal(session, open_session(0));
    finalize();
}

static void a_fresh_session_answers_as_specified(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE read_only = open_session(0);
    CK_SESSION_HANDLE read_write = open_session(CKF_RW_SESSION);
    object = find_object(read_only, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE key = object;
    for (size_t i = 0; i < SESSION_FUNCTION_COUNT; i++) {
        object = key;
        CK_RV rv = session_functions[i].call(read_only);
        if (rv != session_functions[i].read_only)
            fail_msg("%s, read-only: 0x%lx, not 0x%lx", session_functions[i].name, rv,
                     session_functions[i].read_only);
        object = key;
        rv = session_functions[i].call(read_write);
        if (rv != session_functions[i].read_write)
            fail_msg("%s, read-write: 0x%lx, not 0x%lx", session_functions[i].name, rv,
                     session_functions[i].read_write);
    }
    finalize();
}

static void an_object_that_is_not_there_is_refused(void **state)
{
    static const CK_OBJECT_HANDLE wrong[] = {CK_INVALID_HANDLE, 1, 0xff, 0x1ff, 0x201, ~0UL};
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(CKF_RW_SESSION);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_GetAttributeValue(session, wrong[i], NULL, 0));
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_GetObjectSize(session, wrong[i], &size));
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_DestroyObject(session, wrong[i]));
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_SetAttributeValue(session, wrong[i], template, 1));
        assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_CopyObject(session, wrong[i], template, 1, &new_object));
        assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(session, &ecdsa, wrong[i]));
        assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_VerifyInit(session, &ecdsa, wrong[i]));
    }
    /* an object, but not a key */
    assert_rv(CKR_KEY_HANDLE_INVALID,
              p11->C_SignInit(session, &ecdsa, find_object(session, CKO_CERTIFICATE)));
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED,
              p11->C_SignInit(session, &ecdsa, find_object(session, CKO_PUBLIC_KEY)));
    finalize();
}

static void bad_arguments_are_refused(void **state)
{
    CK_MECHANISM with_parameter = {CKM_ECDSA, bytes, 1};
    CK_MECHANISM without_parameter = {CKM_ECDSA, NULL, 7};
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_SESSION_HANDLE session, other;
    CK_SLOT_ID slot;
    (void)state;

    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Finalize(bytes));
    initialize();
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetInfo(NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetFunctionList(NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSlotList(CK_TRUE, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSlotInfo(0, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetTokenInfo(0, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetMechanismList(0, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetMechanismInfo(0, CKM_SHA256, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(0, NULL, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_WaitForSlotEvent(0, &slot, bytes));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_InitToken(0, NULL, 0, bytes));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL));
    assert_rv(CKR_SESSION_PARALLEL_NOT_SUPPORTED, p11->C_OpenSession(0, 0, NULL, NULL, &session));
    session = open_session(0);
    other = open_session(0);
    object = find_object(session, CKO_PRIVATE_KEY);
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetSessionInfo(session, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetObjectSize(session, object, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GetAttributeValue(session, object, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SetAttributeValue(session, object, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_CreateObject(session, NULL, 1, &new_object));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjectsInit(session, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjects(session, NULL, 1, &count));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_FindObjects(session, &object, 1, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_GenerateRandom(session, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SeedRandom(session, NULL, 1));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_DigestInit(session, NULL));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignInit(session, NULL, object));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_VerifyInit(session, NULL, object));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_SignInit(session, &with_parameter, object));
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_SignInit(session, &without_parameter, object));
    /* a bad argument ends what was begun */
    assert_rv(CKR_OK, p11->C_SignInit(other, &ecdsa, object));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Sign(other, NULL, 4, bytes, &size));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Sign(other, bytes, 4, bytes, &size));
    assert_rv(CKR_OK, p11->C_SignInit(other, &ecdsa, object));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_SignFinal(other, bytes, NULL));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_SignFinal(other, bytes, &size));
    finalize();
}

static void a_slot_that_is_not_there_is_refused(void **state)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;
    CK_SESSION_HANDLE session;
    (void)state;
    initialize();
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetSlotInfo(1, &slot_info));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetTokenInfo(1, &token_info));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetMechanismList(1, NULL, &count));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetMechanismInfo(1, CKM_SHA256, &mechanism_info));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_OpenSession(1, CKF_SERIAL_SESSION, NULL, NULL, &session));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_CloseAllSessions(1));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_InitToken(1, bytes, 4, bytes));
    assert_rv(CKR_TOKEN_WRITE_PROTECTED, p11->C_InitToken(0, bytes, 4, bytes));
    finalize();
}

/* strongSwan gives a thread to waiting: it must be told that there is nothing to wait for. */
static void nobody_waits_for_a_slot(void **state)
{
    CK_SLOT_ID slot;
    (void)state;
    initialize();
    assert_rv(CKR_NO_EVENT, p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL));
    assert_rv(CKR_FUNCTION_NOT_SUPPORTED, p11->C_WaitForSlotEvent(0, &slot, NULL));
    finalize();
}

static void interfaces_are_as_promised(void **state)
{
    CK_GETINTERFACELIST *list_interfaces = p11_3->C_GetInterfaceList;
    CK_GETINTERFACE *get_interface = p11_3->C_GetInterface;
    CK_INTERFACE interfaces[4], *interface;
    CK_VERSION old = {2, 40}, never = {2, 20};
    CK_INFO info;
    CK_ULONG found = 1;
    (void)state;

    assert_rv(CKR_ARGUMENTS_BAD, list_interfaces(NULL, NULL));
    assert_rv(CKR_BUFFER_TOO_SMALL, list_interfaces(interfaces, &found));
    assert_int_equal(found, 2);
    assert_rv(CKR_OK, list_interfaces(interfaces, &found));
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal((const char *)interfaces[i].pInterfaceName, "PKCS 11");
        assert_int_equal(interfaces[i].flags, CKF_INTERFACE_FORK_SAFE);
    }
    assert_rv(CKR_OK, get_interface(NULL, NULL, &interface, 0));
    assert_int_equal(((CK_VERSION *)interface->pFunctionList)->major, 3);
    assert_rv(CKR_OK, get_interface((CK_UTF8CHAR *)"PKCS 11", &old, &interface, 0));
    assert_ptr_equal(interface->pFunctionList, p11);
    assert_rv(CKR_FUNCTION_FAILED, get_interface((CK_UTF8CHAR *)"PKCS 11", &never, &interface, 0));
    assert_rv(CKR_FUNCTION_FAILED, get_interface((CK_UTF8CHAR *)"Vendor", NULL, &interface, 0));
    assert_rv(CKR_FUNCTION_FAILED, get_interface(NULL, NULL, &interface, CKF_INTERFACE_FORK_SAFE | 2));
    assert_rv(CKR_ARGUMENTS_BAD, get_interface(NULL, NULL, NULL, 0));
    initialize();
    assert_rv(CKR_OK, p11->C_GetInfo(&info));
    assert_int_equal(info.cryptokiVersion.major * 100 + info.cryptokiVersion.minor, 240);
    assert_rv(CKR_OK, p11_3->functions_2_40.C_GetInfo(&info));
    assert_int_equal(info.cryptokiVersion.major * 100 + info.cryptokiVersion.minor, 300);
    finalize();
}

static CK_RV mutex_unused(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV mutex_create_unused(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static void every_way_to_initialize_works(void **state)
{
    CK_C_INITIALIZE_ARGS callbacks = {mutex_create_unused, mutex_unused, mutex_unused, mutex_unused, 0, NULL};
    CK_C_INITIALIZE_ARGS both = callbacks, half = callbacks, reserved = {.pReserved = bytes};
    CK_C_INITIALIZE_ARGS no_threads = {.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS};
    CK_C_INITIALIZE_ARGS none = {0};
    (void)state;
    both.flags = CKF_OS_LOCKING_OK;
    half.LockMutex = NULL;
    void *const good[] = {NULL, &none, &callbacks, &both, &no_threads};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_rv(CKR_OK, p11->C_Initialize(good[i]));
        assert_rv(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(good[i]));
        open_session(0);
        finalize();
    }
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Initialize(&half));
    assert_rv(CKR_ARGUMENTS_BAD, p11->C_Initialize(&reserved));
}

static int begin_with_token(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type ec");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_there),
        cmocka_unit_test(nothing_works_before_initialize),
        cmocka_unit_test(a_session_that_is_not_open_is_refused),
        cmocka_unit_test(a_fresh_session_answers_as_specified),
        cmocka_unit_test(an_object_that_is_not_there_is_refused),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(a_slot_that_is_not_there_is_refused),
        cmocka_unit_test(nobody_waits_for_a_slot),
        cmocka_unit_test(interfaces_are_as_promised),
        cmocka_unit_test(every_way_to_initialize_works),
    };
    return cmocka_run_group_tests(tests, begin_with_token, world_end);
}
