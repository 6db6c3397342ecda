/*
 * PKCS #11 as this project uses it: the header of p11-kit 0.24, which is 2.40, and what it lacks of 3.0
 * (OASIS PKCS #11 Cryptographic Token Interface Base Specification 3.0). The entry points are the module's
 * only exported symbols.
 */
#ifndef INTUNE_PKCS11_H
#define INTUNE_PKCS11_H

#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#pragma GCC visibility pop

#ifndef CK_INVALID_HANDLE
#define CK_INVALID_HANDLE 0UL
#endif

/* 3.0, 4.1 to 4.8: attributes and object classes */
#define CKO_PROFILE    9UL
#define CKA_UNIQUE_ID  4UL
#define CKA_PROFILE_ID 0x601UL

#define CKP_BASELINE_PROVIDER         1UL
#define CKP_AUTHENTICATION_TOKEN      3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 4UL

/* 2.40, 4.6.3: CKA_CERTIFICATE_CATEGORY and CKA_JAVA_MIDP_SECURITY_DOMAIN */
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY  2UL
#define CK_SECURITY_DOMAIN_UNSPECIFIED     0UL

/* 3.0, 5.11: C_SessionCancel names its operations by the mechanism flags and these */
#define CKF_MESSAGE_ENCRYPT (1UL << 1)
#define CKF_MESSAGE_DECRYPT (1UL << 2)
#define CKF_MESSAGE_SIGN    (1UL << 3)
#define CKF_MESSAGE_VERIFY  (1UL << 4)
#define CKF_MULTI_MESSAGE   (1UL << 5)
#define CKF_FIND_OBJECTS    (1UL << 6)

#define CKR_OPERATION_CANCEL_FAILED 0x202UL

/* 3.0, 5.4: interfaces */
#define CKF_INTERFACE_FORK_SAFE 1UL

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;

typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE **CK_INTERFACE_PTR_PTR;

typedef CK_RV CK_GETINTERFACELIST(CK_INTERFACE *interfaces, CK_ULONG *count);
typedef CK_RV CK_GETINTERFACE(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface,
                              CK_FLAGS flags);
typedef CK_RV CK_LOGINUSER(CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR *pin,
                           CK_ULONG pin_size, CK_UTF8CHAR *user_name, CK_ULONG user_name_size);
typedef CK_RV CK_SESSIONCANCEL(CK_SESSION_HANDLE session, CK_FLAGS flags);

/* The message functions are of four shapes. */
typedef CK_RV CK_MESSAGEINIT(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
typedef CK_RV CK_MESSAGEFINAL(CK_SESSION_HANDLE session);
typedef CK_RV CK_CRYPTMESSAGE(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                              CK_BYTE *associated_data, CK_ULONG associated_data_size, CK_BYTE *input,
                              CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size);
typedef CK_RV CK_CRYPTMESSAGEBEGIN(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                                   CK_BYTE *associated_data, CK_ULONG associated_data_size);
typedef CK_RV CK_CRYPTMESSAGENEXT(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                                  CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size,
                                  CK_FLAGS flags);
typedef CK_RV CK_SIGNMESSAGE(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                             CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *signature_size);
typedef CK_RV CK_SIGNMESSAGEBEGIN(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size);
typedef CK_RV CK_VERIFYMESSAGE(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                               CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature,
                               CK_ULONG signature_size);

#pragma GCC visibility push(default)
CK_GETINTERFACELIST C_GetInterfaceList;
CK_GETINTERFACE C_GetInterface;
CK_LOGINUSER C_LoginUser;
CK_SESSIONCANCEL C_SessionCancel;
CK_MESSAGEINIT C_MessageEncryptInit;
CK_CRYPTMESSAGE C_EncryptMessage;
CK_CRYPTMESSAGEBEGIN C_EncryptMessageBegin;
CK_CRYPTMESSAGENEXT C_EncryptMessageNext;
CK_MESSAGEFINAL C_MessageEncryptFinal;
CK_MESSAGEINIT C_MessageDecryptInit;
CK_CRYPTMESSAGE C_DecryptMessage;
CK_CRYPTMESSAGEBEGIN C_DecryptMessageBegin;
CK_CRYPTMESSAGENEXT C_DecryptMessageNext;
CK_MESSAGEFINAL C_MessageDecryptFinal;
CK_MESSAGEINIT C_MessageSignInit;
CK_SIGNMESSAGE C_SignMessage;
CK_SIGNMESSAGEBEGIN C_SignMessageBegin;
CK_SIGNMESSAGE C_SignMessageNext;
CK_MESSAGEFINAL C_MessageSignFinal;
CK_MESSAGEINIT C_MessageVerifyInit;
CK_VERIFYMESSAGE C_VerifyMessage;
CK_SIGNMESSAGEBEGIN C_VerifyMessageBegin;
CK_VERIFYMESSAGE C_VerifyMessageNext;
CK_MESSAGEFINAL C_MessageVerifyFinal;
#pragma GCC visibility pop

/* The 3.0 table is the 2.40 one, with its own version number, and these behind it in the specification's
 * order. */
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_FUNCTION_LIST functions_2_40;
    CK_GETINTERFACELIST *C_GetInterfaceList;
    CK_GETINTERFACE *C_GetInterface;
    CK_LOGINUSER *C_LoginUser;
    CK_SESSIONCANCEL *C_SessionCancel;
    CK_MESSAGEINIT *C_MessageEncryptInit;
    CK_CRYPTMESSAGE *C_EncryptMessage;
    CK_CRYPTMESSAGEBEGIN *C_EncryptMessageBegin;
    CK_CRYPTMESSAGENEXT *C_EncryptMessageNext;
    CK_MESSAGEFINAL *C_MessageEncryptFinal;
    CK_MESSAGEINIT *C_MessageDecryptInit;
    CK_CRYPTMESSAGE *C_DecryptMessage;
    CK_CRYPTMESSAGEBEGIN *C_DecryptMessageBegin;
    CK_CRYPTMESSAGENEXT *C_DecryptMessageNext;
    CK_MESSAGEFINAL *C_MessageDecryptFinal;
    CK_MESSAGEINIT *C_MessageSignInit;
    CK_SIGNMESSAGE *C_SignMessage;
    CK_SIGNMESSAGEBEGIN *C_SignMessageBegin;
    CK_SIGNMESSAGE *C_SignMessageNext;
    CK_MESSAGEFINAL *C_MessageSignFinal;
    CK_MESSAGEINIT *C_MessageVerifyInit;
    CK_VERIFYMESSAGE *C_VerifyMessage;
    CK_SIGNMESSAGEBEGIN *C_VerifyMessageBegin;
    CK_VERIFYMESSAGE *C_VerifyMessageNext;
    CK_MESSAGEFINAL *C_MessageVerifyFinal;
} CK_FUNCTION_LIST_3_0;

#endif
