/*
 * PKCS #11 as this project uses it: types, constants and entry points of OASIS PKCS #11 3.0 (the 2.40 table
 * is its beginning). It needs no other header, so that the module and the tests do not depend on which
 * p11-kit is installed. Sources that include p11-kit's own headers include them in its place.
 */
#ifndef INTUNE_PKCS11_H
#define INTUNE_PKCS11_H

#ifdef PKCS11_H
#error "p11-kit's pkcs11.h and this header cannot be in one source"
#endif

typedef unsigned char CK_BYTE;
typedef CK_BYTE CK_BBOOL;
typedef CK_BYTE CK_UTF8CHAR;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_FLAGS;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;
typedef CK_ULONG CK_OBJECT_CLASS;
typedef CK_ULONG CK_ATTRIBUTE_TYPE;
typedef CK_ULONG CK_KEY_TYPE;
typedef CK_ULONG CK_MECHANISM_TYPE;
typedef CK_ULONG CK_RSA_PKCS_MGF_TYPE;
typedef CK_ULONG CK_STATE;
typedef CK_ULONG CK_USER_TYPE;
typedef void *CK_VOID_PTR;

#define CK_TRUE                    1
#define CK_FALSE                   0
#define CK_INVALID_HANDLE          0UL
#define CK_EFFECTIVELY_INFINITE    0UL
#define CK_UNAVAILABLE_INFORMATION (~0UL)

/* CKA_CERTIFICATE_CATEGORY and CKA_JAVA_MIDP_SECURITY_DOMAIN */
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY  2UL
#define CK_SECURITY_DOMAIN_UNSPECIFIED     0UL

/* object classes */
#define CKO_CERTIFICATE 0x1UL
#define CKO_PUBLIC_KEY  0x2UL
#define CKO_PRIVATE_KEY 0x3UL
#define CKO_SECRET_KEY  0x4UL
#define CKO_PROFILE     0x9UL

/* attributes */
#define CKA_CLASS                      0x0UL
#define CKA_TOKEN                      0x1UL
#define CKA_PRIVATE                    0x2UL
#define CKA_LABEL                      0x3UL
#define CKA_UNIQUE_ID                  0x4UL
#define CKA_VALUE                      0x11UL
#define CKA_CERTIFICATE_TYPE           0x80UL
#define CKA_ISSUER                     0x81UL
#define CKA_SERIAL_NUMBER              0x82UL
#define CKA_TRUSTED                    0x86UL
#define CKA_CERTIFICATE_CATEGORY       0x87UL
#define CKA_JAVA_MIDP_SECURITY_DOMAIN  0x88UL
#define CKA_URL                        0x89UL
#define CKA_HASH_OF_SUBJECT_PUBLIC_KEY 0x8aUL
#define CKA_HASH_OF_ISSUER_PUBLIC_KEY  0x8bUL
#define CKA_NAME_HASH_ALGORITHM        0x8cUL
#define CKA_CHECK_VALUE                0x90UL
#define CKA_KEY_TYPE                   0x100UL
#define CKA_SUBJECT                    0x101UL
#define CKA_ID                         0x102UL
#define CKA_SENSITIVE                  0x103UL
#define CKA_ENCRYPT                    0x104UL
#define CKA_DECRYPT                    0x105UL
#define CKA_WRAP                       0x106UL
#define CKA_UNWRAP                     0x107UL
#define CKA_SIGN                       0x108UL
#define CKA_SIGN_RECOVER               0x109UL
#define CKA_VERIFY                     0x10aUL
#define CKA_VERIFY_RECOVER             0x10bUL
#define CKA_DERIVE                     0x10cUL
#define CKA_START_DATE                 0x110UL
#define CKA_END_DATE                   0x111UL
#define CKA_MODULUS                    0x120UL
#define CKA_MODULUS_BITS               0x121UL
#define CKA_PUBLIC_EXPONENT            0x122UL
#define CKA_PRIVATE_EXPONENT           0x123UL
#define CKA_PRIME_1                    0x124UL
#define CKA_PRIME_2                    0x125UL
#define CKA_EXPONENT_1                 0x126UL
#define CKA_EXPONENT_2                 0x127UL
#define CKA_COEFFICIENT                0x128UL
#define CKA_PUBLIC_KEY_INFO            0x129UL
#define CKA_EXTRACTABLE                0x162UL
#define CKA_LOCAL                      0x163UL
#define CKA_NEVER_EXTRACTABLE          0x164UL
#define CKA_ALWAYS_SENSITIVE           0x165UL
#define CKA_KEY_GEN_MECHANISM          0x166UL
#define CKA_MODIFIABLE                 0x170UL
#define CKA_COPYABLE                   0x171UL
#define CKA_DESTROYABLE                0x172UL
#define CKA_EC_PARAMS                  0x180UL
#define CKA_EC_POINT                   0x181UL
#define CKA_ALWAYS_AUTHENTICATE        0x202UL
#define CKA_WRAP_WITH_TRUSTED          0x210UL
#define CKA_PROFILE_ID                 0x601UL
#define CKA_WRAP_TEMPLATE              0x40000211UL
#define CKA_UNWRAP_TEMPLATE            0x40000212UL
#define CKA_DERIVE_TEMPLATE            0x40000213UL
#define CKA_ALLOWED_MECHANISMS         0x40000600UL

/* key types */
#define CKK_RSA 0x0UL
#define CKK_EC  0x3UL

/* certificate types */
#define CKC_X_509 0x0UL

/* mechanisms */
#define CKM_RSA_PKCS_KEY_PAIR_GEN 0x0UL
#define CKM_RSA_PKCS              0x1UL
#define CKM_RSA_X_509             0x3UL
#define CKM_SHA1_RSA_PKCS         0x6UL
#define CKM_RSA_PKCS_OAEP         0x9UL
#define CKM_RSA_PKCS_PSS          0xdUL
#define CKM_SHA1_RSA_PKCS_PSS     0xeUL
#define CKM_SHA256_RSA_PKCS       0x40UL
#define CKM_SHA384_RSA_PKCS       0x41UL
#define CKM_SHA512_RSA_PKCS       0x42UL
#define CKM_SHA256_RSA_PKCS_PSS   0x43UL
#define CKM_SHA384_RSA_PKCS_PSS   0x44UL
#define CKM_SHA512_RSA_PKCS_PSS   0x45UL
#define CKM_SHA224_RSA_PKCS       0x46UL
#define CKM_SHA224_RSA_PKCS_PSS   0x47UL
#define CKM_SHA_1                 0x220UL
#define CKM_SHA256                0x250UL
#define CKM_SHA224                0x255UL
#define CKM_SHA384                0x260UL
#define CKM_SHA512                0x270UL
#define CKM_EC_KEY_PAIR_GEN       0x1040UL
#define CKM_ECDSA                 0x1041UL
#define CKM_ECDSA_SHA1            0x1042UL
#define CKM_ECDSA_SHA224          0x1043UL
#define CKM_ECDSA_SHA256          0x1044UL
#define CKM_ECDSA_SHA384          0x1045UL
#define CKM_ECDSA_SHA512          0x1046UL
#define CKM_AES_CBC               0x1082UL

/* mask generation functions */
#define CKG_MGF1_SHA1   0x1UL
#define CKG_MGF1_SHA256 0x2UL
#define CKG_MGF1_SHA384 0x3UL
#define CKG_MGF1_SHA512 0x4UL
#define CKG_MGF1_SHA224 0x5UL

/* flags */
#define CKF_DONT_BLOCK                     0x1UL
#define CKF_HW                             0x1UL
#define CKF_INTERFACE_FORK_SAFE            0x1UL
#define CKF_LIBRARY_CANT_CREATE_OS_THREADS 0x1UL
#define CKF_RNG                            0x1UL
#define CKF_TOKEN_PRESENT                  0x1UL
#define CKF_MESSAGE_ENCRYPT                0x2UL
#define CKF_OS_LOCKING_OK                  0x2UL
#define CKF_REMOVABLE_DEVICE               0x2UL
#define CKF_RW_SESSION                     0x2UL
#define CKF_WRITE_PROTECTED                0x2UL
#define CKF_HW_SLOT                        0x4UL
#define CKF_LOGIN_REQUIRED                 0x4UL
#define CKF_MESSAGE_DECRYPT                0x4UL
#define CKF_SERIAL_SESSION                 0x4UL
#define CKF_MESSAGE_SIGN                   0x8UL
#define CKF_USER_PIN_INITIALIZED           0x8UL
#define CKF_MESSAGE_VERIFY                 0x10UL
#define CKF_MULTI_MESSAGE                  0x20UL
#define CKF_FIND_OBJECTS                   0x40UL
#define CKF_PROTECTED_AUTHENTICATION_PATH  0x100UL
#define CKF_DECRYPT                        0x200UL
#define CKF_DIGEST                         0x400UL
#define CKF_TOKEN_INITIALIZED              0x400UL
#define CKF_SIGN                           0x800UL
#define CKF_VERIFY                         0x2000UL
#define CKF_GENERATE_KEY_PAIR              0x10000UL
#define CKF_USER_PIN_COUNT_LOW             0x10000UL
#define CKF_USER_PIN_FINAL_TRY             0x20000UL
#define CKF_UNWRAP                         0x40000UL
#define CKF_USER_PIN_LOCKED                0x40000UL
#define CKF_DERIVE                         0x80000UL
#define CKF_USER_PIN_TO_BE_CHANGED         0x80000UL
#define CKF_EC_F_P                         0x100000UL
#define CKF_EC_NAMEDCURVE                  0x800000UL
#define CKF_EC_UNCOMPRESS                  0x1000000UL

/* profiles */
#define CKP_BASELINE_PROVIDER         0x1UL
#define CKP_AUTHENTICATION_TOKEN      0x3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 0x4UL

/* session states */
#define CKS_RO_PUBLIC_SESSION 0x0UL
#define CKS_RO_USER_FUNCTIONS 0x1UL
#define CKS_RW_PUBLIC_SESSION 0x2UL
#define CKS_RW_USER_FUNCTIONS 0x3UL

/* user types */
#define CKU_SO               0x0UL
#define CKU_USER             0x1UL
#define CKU_CONTEXT_SPECIFIC 0x2UL

/* return values */
#define CKR_OK                             0x0UL
#define CKR_HOST_MEMORY                    0x2UL
#define CKR_SLOT_ID_INVALID                0x3UL
#define CKR_GENERAL_ERROR                  0x5UL
#define CKR_FUNCTION_FAILED                0x6UL
#define CKR_ARGUMENTS_BAD                  0x7UL
#define CKR_NO_EVENT                       0x8UL
#define CKR_CANT_LOCK                      0xaUL
#define CKR_ATTRIBUTE_SENSITIVE            0x11UL
#define CKR_ATTRIBUTE_TYPE_INVALID         0x12UL
#define CKR_DATA_INVALID                   0x20UL
#define CKR_DATA_LEN_RANGE                 0x21UL
#define CKR_DEVICE_ERROR                   0x30UL
#define CKR_DEVICE_MEMORY                  0x31UL
#define CKR_DEVICE_REMOVED                 0x32UL
#define CKR_FUNCTION_CANCELED              0x50UL
#define CKR_FUNCTION_NOT_PARALLEL          0x51UL
#define CKR_FUNCTION_NOT_SUPPORTED         0x54UL
#define CKR_KEY_HANDLE_INVALID             0x60UL
#define CKR_KEY_SIZE_RANGE                 0x62UL
#define CKR_KEY_TYPE_INCONSISTENT          0x63UL
#define CKR_KEY_INDIGESTIBLE               0x67UL
#define CKR_KEY_FUNCTION_NOT_PERMITTED     0x68UL
#define CKR_MECHANISM_INVALID              0x70UL
#define CKR_MECHANISM_PARAM_INVALID        0x71UL
#define CKR_OBJECT_HANDLE_INVALID          0x82UL
#define CKR_OPERATION_ACTIVE               0x90UL
#define CKR_OPERATION_NOT_INITIALIZED      0x91UL
#define CKR_PIN_INCORRECT                  0xa0UL
#define CKR_PIN_LOCKED                     0xa4UL
#define CKR_SESSION_CLOSED                 0xb0UL
#define CKR_SESSION_HANDLE_INVALID         0xb3UL
#define CKR_SESSION_PARALLEL_NOT_SUPPORTED 0xb4UL
#define CKR_SESSION_READ_ONLY              0xb5UL
#define CKR_SIGNATURE_INVALID              0xc0UL
#define CKR_SIGNATURE_LEN_RANGE            0xc1UL
#define CKR_TOKEN_NOT_PRESENT              0xe0UL
#define CKR_TOKEN_NOT_RECOGNIZED           0xe1UL
#define CKR_TOKEN_WRITE_PROTECTED          0xe2UL
#define CKR_USER_ALREADY_LOGGED_IN         0x100UL
#define CKR_USER_NOT_LOGGED_IN             0x101UL
#define CKR_USER_TYPE_INVALID              0x103UL
#define CKR_RANDOM_SEED_NOT_SUPPORTED      0x120UL
#define CKR_BUFFER_TOO_SMALL               0x150UL
#define CKR_CRYPTOKI_NOT_INITIALIZED       0x190UL
#define CKR_CRYPTOKI_ALREADY_INITIALIZED   0x191UL
#define CKR_OPERATION_CANCEL_FAILED        0x202UL

typedef struct CK_VERSION {
    CK_BYTE major;
    CK_BYTE minor;
} CK_VERSION;

typedef struct CK_INFO {
    CK_VERSION cryptokiVersion;
    CK_UTF8CHAR manufacturerID[32];
    CK_FLAGS flags;
    CK_UTF8CHAR libraryDescription[32];
    CK_VERSION libraryVersion;
} CK_INFO;

typedef struct CK_SLOT_INFO {
    CK_UTF8CHAR slotDescription[64];
    CK_UTF8CHAR manufacturerID[32];
    CK_FLAGS flags;
    CK_VERSION hardwareVersion;
    CK_VERSION firmwareVersion;
} CK_SLOT_INFO;

typedef struct CK_TOKEN_INFO {
    CK_UTF8CHAR label[32];
    CK_UTF8CHAR manufacturerID[32];
    CK_UTF8CHAR model[16];
    CK_UTF8CHAR serialNumber[16];
    CK_FLAGS flags;
    CK_ULONG ulMaxSessionCount;
    CK_ULONG ulSessionCount;
    CK_ULONG ulMaxRwSessionCount;
    CK_ULONG ulRwSessionCount;
    CK_ULONG ulMaxPinLen;
    CK_ULONG ulMinPinLen;
    CK_ULONG ulTotalPublicMemory;
    CK_ULONG ulFreePublicMemory;
    CK_ULONG ulTotalPrivateMemory;
    CK_ULONG ulFreePrivateMemory;
    CK_VERSION hardwareVersion;
    CK_VERSION firmwareVersion;
    CK_UTF8CHAR utcTime[16];
} CK_TOKEN_INFO;

typedef struct CK_SESSION_INFO {
    CK_SLOT_ID slotID;
    CK_STATE state;
    CK_FLAGS flags;
    CK_ULONG ulDeviceError;
} CK_SESSION_INFO;

typedef struct CK_ATTRIBUTE {
    CK_ATTRIBUTE_TYPE type;
    CK_VOID_PTR pValue;
    CK_ULONG ulValueLen; /* bytes */
} CK_ATTRIBUTE;

typedef struct CK_MECHANISM {
    CK_MECHANISM_TYPE mechanism;
    CK_VOID_PTR pParameter;
    CK_ULONG ulParameterLen; /* bytes */
} CK_MECHANISM;

typedef struct CK_MECHANISM_INFO {
    CK_ULONG ulMinKeySize; /* bits */
    CK_ULONG ulMaxKeySize;
    CK_FLAGS flags;
} CK_MECHANISM_INFO;

typedef struct CK_RSA_PKCS_PSS_PARAMS {
    CK_MECHANISM_TYPE hashAlg;
    CK_RSA_PKCS_MGF_TYPE mgf;
    CK_ULONG sLen; /* bytes of salt */
} CK_RSA_PKCS_PSS_PARAMS;

typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE session, CK_ULONG event, CK_VOID_PTR application);

typedef struct CK_C_INITIALIZE_ARGS {
    CK_RV (*CreateMutex)(CK_VOID_PTR *mutex);
    CK_RV (*DestroyMutex)(CK_VOID_PTR mutex);
    CK_RV (*LockMutex)(CK_VOID_PTR mutex);
    CK_RV (*UnlockMutex)(CK_VOID_PTR mutex);
    CK_FLAGS flags;
    CK_VOID_PTR pReserved;
} CK_C_INITIALIZE_ARGS;

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST;

/* clang-format off */
/* F(name, (parameters)) for each function of the 2.40 table, in its order. */
#define PKCS11_ENCRYPTION(F) \
    F(C_EncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_Encrypt, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, \
        CK_ULONG *output_size)) \
    F(C_EncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, \
        CK_ULONG *output_size)) \
    F(C_EncryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *output, CK_ULONG *output_size)) \
    F(C_DecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_Decrypt, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, \
        CK_ULONG *output_size)) \
    F(C_DecryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, \
        CK_ULONG *output_size)) \
    F(C_DecryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *output, CK_ULONG *output_size))

#define PKCS11_SIGN_RECOVER(F) \
    F(C_SignRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_SignRecover, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, \
        CK_ULONG *signature_size))

#define PKCS11_VERIFY_RECOVER(F) \
    F(C_VerifyRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_VerifyRecover, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_size, CK_BYTE \
        *data, CK_ULONG *data_size))

#define PKCS11_TWO_PURPOSES(F) \
    F(C_DigestEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE \
        *output, CK_ULONG *output_size)) \
    F(C_DecryptDigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE \
        *output, CK_ULONG *output_size)) \
    F(C_SignEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE \
        *output, CK_ULONG *output_size)) \
    F(C_DecryptVerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE \
        *output, CK_ULONG *output_size))

#define PKCS11_KEY_GENERATION(F) \
    F(C_GenerateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes, \
        CK_ULONG attribute_count, CK_OBJECT_HANDLE *key)) \
    F(C_GenerateKeyPair, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE \
        *public_attributes, CK_ULONG public_attribute_count, CK_ATTRIBUTE *private_attributes, CK_ULONG \
        private_attribute_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key))

#define PKCS11_KEY_WRAPPING(F) \
    F(C_WrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key, \
        CK_OBJECT_HANDLE key, CK_BYTE *wrapped_key, CK_ULONG *wrapped_key_size)) \
    F(C_UnwrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key, \
        CK_BYTE *wrapped_key, CK_ULONG wrapped_key_size, CK_ATTRIBUTE *attributes, CK_ULONG \
        attribute_count, CK_OBJECT_HANDLE *key)) \
    F(C_DeriveKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key, \
        CK_ATTRIBUTE *attributes, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key))

#define PKCS11_PARALLEL(F) \
    F(C_GetFunctionStatus, (CK_SESSION_HANDLE session)) \
    F(C_CancelFunction, (CK_SESSION_HANDLE session))

#define PKCS11_MESSAGES(F) \
    F(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_EncryptMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *associated_data, CK_ULONG associated_data_size, CK_BYTE *input, CK_ULONG input_size, \
        CK_BYTE *output, CK_ULONG *output_size)) \
    F(C_EncryptMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *associated_data, CK_ULONG associated_data_size)) \
    F(C_EncryptMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size, CK_FLAGS flags)) \
    F(C_MessageEncryptFinal, (CK_SESSION_HANDLE session)) \
    F(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_DecryptMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *associated_data, CK_ULONG associated_data_size, CK_BYTE *input, CK_ULONG input_size, \
        CK_BYTE *output, CK_ULONG *output_size)) \
    F(C_DecryptMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *associated_data, CK_ULONG associated_data_size)) \
    F(C_DecryptMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size, CK_FLAGS flags)) \
    F(C_MessageDecryptFinal, (CK_SESSION_HANDLE session)) \
    F(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_SignMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, CK_BYTE \
        *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *signature_size)) \
    F(C_SignMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size)) \
    F(C_SignMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *signature_size)) \
    F(C_MessageSignFinal, (CK_SESSION_HANDLE session)) \
    F(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_VerifyMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size)) \
    F(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size)) \
    F(C_VerifyMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, \
        CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size)) \
    F(C_MessageVerifyFinal, (CK_SESSION_HANDLE session))

#define PKCS11_FUNCTIONS_2_40(F) \
    F(C_Initialize, (CK_VOID_PTR init_args)) \
    F(C_Finalize, (CK_VOID_PTR reserved)) \
    F(C_GetInfo, (CK_INFO *info)) \
    F(C_GetFunctionList, (CK_FUNCTION_LIST **list)) \
    F(C_GetSlotList, (CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *slot_count)) \
    F(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info)) \
    F(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info)) \
    F(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE *mechanisms, CK_ULONG *mechanism_count)) \
    F(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)) \
    F(C_InitToken, (CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)) \
    F(C_InitPIN, (CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG pin_size)) \
    F(C_SetPIN, (CK_SESSION_HANDLE session, CK_UTF8CHAR *old_pin, CK_ULONG old_pin_size, CK_UTF8CHAR \
        *new_pin, CK_ULONG new_pin_size)) \
    F(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify, \
        CK_SESSION_HANDLE *session)) \
    F(C_CloseSession, (CK_SESSION_HANDLE session)) \
    F(C_CloseAllSessions, (CK_SLOT_ID slot)) \
    F(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info)) \
    F(C_GetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *state_size)) \
    F(C_SetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG state_size, \
        CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)) \
    F(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR *pin, CK_ULONG pin_size)) \
    F(C_Logout, (CK_SESSION_HANDLE session)) \
    F(C_CreateObject, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count, \
        CK_OBJECT_HANDLE *object)) \
    F(C_CopyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, \
        CK_ULONG attribute_count, CK_OBJECT_HANDLE *copy)) \
    F(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)) \
    F(C_GetObjectSize, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)) \
    F(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE \
        *attributes, CK_ULONG attribute_count)) \
    F(C_SetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE \
        *attributes, CK_ULONG attribute_count)) \
    F(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG \
        attribute_count)) \
    F(C_FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG object_max, \
        CK_ULONG *object_count)) \
    F(C_FindObjectsFinal, (CK_SESSION_HANDLE session)) \
    PKCS11_ENCRYPTION(F) \
    F(C_DigestInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)) \
    F(C_Digest, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *digest, \
        CK_ULONG *digest_size)) \
    F(C_DigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size)) \
    F(C_DigestKey, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)) \
    F(C_DigestFinal, (CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_size)) \
    F(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_Sign, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, \
        CK_ULONG *signature_size)) \
    F(C_SignUpdate, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size)) \
    F(C_SignFinal, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_size)) \
    PKCS11_SIGN_RECOVER(F) \
    F(C_VerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
    F(C_Verify, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, \
        CK_ULONG signature_size)) \
    F(C_VerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size)) \
    F(C_VerifyFinal, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_size)) \
    PKCS11_VERIFY_RECOVER(F) \
    PKCS11_TWO_PURPOSES(F) \
    PKCS11_KEY_GENERATION(F) \
    PKCS11_KEY_WRAPPING(F) \
    F(C_SeedRandom, (CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_size)) \
    F(C_GenerateRandom, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size)) \
    PKCS11_PARALLEL(F) \
    F(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, CK_VOID_PTR reserved))

/* What the 3.0 table has behind them (3.0, 5.4.4). */
#define PKCS11_FUNCTIONS_3_0(F) \
    F(C_GetInterfaceList, (CK_INTERFACE *interfaces, CK_ULONG *interface_count)) \
    F(C_GetInterface, (CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS \
        flags)) \
    F(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR *pin, CK_ULONG \
        pin_size, CK_UTF8CHAR *user_name, CK_ULONG user_name_size)) \
    F(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags)) \
    PKCS11_MESSAGES(F)
/* clang-format on */

#define PKCS11_MEMBER(name, parameters)    CK_RV(*name) parameters;
#define PKCS11_PROTOTYPE(name, parameters) CK_RV name parameters;

struct CK_FUNCTION_LIST {
    CK_VERSION version;
    PKCS11_FUNCTIONS_2_40(PKCS11_MEMBER)
};

/* The 3.0 table is the 2.40 one with its own version number, and the others behind it. */
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_FUNCTION_LIST functions_2_40;
    PKCS11_FUNCTIONS_3_0(PKCS11_MEMBER)
} CK_FUNCTION_LIST_3_0;

typedef CK_RV (*CK_C_GetFunctionList)(CK_FUNCTION_LIST **list);
typedef CK_RV CK_GETINTERFACELIST(CK_INTERFACE *interfaces, CK_ULONG *interface_count);
typedef CK_RV CK_GETINTERFACE(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface,
                              CK_FLAGS flags);

/* The entry points are the module's only exported symbols. */
#pragma GCC visibility push(default)
PKCS11_FUNCTIONS_2_40(PKCS11_PROTOTYPE)
PKCS11_FUNCTIONS_3_0(PKCS11_PROTOTYPE)
#pragma GCC visibility pop

#endif
