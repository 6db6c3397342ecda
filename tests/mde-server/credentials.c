#include "credentials.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "authority.h"
#include "server.h"
#include "signature.h"
#include "soap.h"
#include "tokens.h"

#define USERNAME_TOKEN_ID "uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4"
#define PASSWORD_TEXT     WSS_PREFIX "username-token-profile-1.0#PasswordText"
#define USER_TOKEN_TYPE                                                                                      \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
#define JWT_TYPE  "urn:ietf:params:oauth:token-type:jwt"
#define X509_TYPE WSS_PREFIX "x509-token-profile-1.0#X509v3"

static bool text_same(const char *one, const char *other)
{
    size_t length = strlen(one);
    return length == strlen(other) && CRYPTO_memcmp(one, other, length) == 0;
}

/* The attribute is written with and without the prefix: MS-MDE2's samples and the profile differ. */
static bool password_type_check(xmlNode *password, struct fault *ret_fault)
{
    char *type = soap_attribute_text(password, SECURITY_NAMESPACE, "Type");
    if (!type)
        type = soap_attribute_text(password, NULL, "Type");
    bool good = type && strcmp(type, PASSWORD_TEXT) == 0;
    free(type);
    return good || fault_set(ret_fault, "InvalidSecurity",
                             "the attribute Type of Password is missing or not " PASSWORD_TEXT);
}

static bool username_token_form_check(xmlNode *token, struct fault *ret_fault)
{
    char *identifier = soap_attribute_text(token, UTILITY_NAMESPACE, "Id");
    bool good = identifier && strcmp(identifier, USERNAME_TOKEN_ID) == 0;
    free(identifier);
    if (!good)
        return fault_set(ret_fault, "InvalidSecurity",
                         "the attribute u:Id of UsernameToken is missing or not " USERNAME_TOKEN_ID);
    xmlNode *password = soap_child_require(token, SECURITY_NAMESPACE, "Password", ret_fault);
    return password && password_type_check(password, ret_fault);
}

static bool username_token_check(const struct options *options, xmlNode *token, struct fault *ret_fault)
{
    if (!username_token_form_check(token, ret_fault))
        return false;
    char *user = soap_child_text(token, SECURITY_NAMESPACE, "Username", ret_fault);
    char *password = user ? soap_child_text(token, SECURITY_NAMESPACE, "Password", ret_fault) : NULL;
    bool good = false;
    if (password) {
        good = options->user && options->password && strcasecmp(user, options->user) == 0 &&
               text_same(password, options->password);
        if (!good)
            fault_set(ret_fault, "Authentication", "the user name or password is not accepted%s%s",
                      modes_has(&options->modes, "refusal", "repeats") ? ": " : "",
                      modes_has(&options->modes, "refusal", "repeats") ? password : "");
        OPENSSL_cleanse(password, strlen(password));
    }
    free(password);
    free(user);
    return good;
}

/* At renewal: the user's name and an empty password. */
static bool username_only_check(const struct options *options, xmlNode *token, struct fault *ret_fault)
{
    if (!username_token_form_check(token, ret_fault))
        return false;
    char *user = soap_child_text(token, SECURITY_NAMESPACE, "Username", ret_fault);
    if (!user)
        return false;
    bool good = !options->user || strcasecmp(user, options->user) == 0;
    free(user);
    return good || fault_set(ret_fault, "Authentication", "the certificate belongs to another user");
}

static bool token_content_check(const struct server *server, const char *text, struct fault *ret_fault)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (!text_base64_decode(text, &bytes, &size))
        return fault_set(ret_fault, "InvalidSecurity", "BinarySecurityToken in Security is not base64");
    bool good = tokens_accept(server->tokens, bytes, size);
    if (!good && modes_has(&server->options.modes, "refusal", "repeats"))
        fault_set(ret_fault, "Authentication", "the security token %.*s (%s) is not accepted", (int)size,
                  bytes, text);
    else if (!good)
        fault_set(ret_fault, "Authentication", "the security token is not accepted");
    OPENSSL_cleanse(bytes, size);
    free(bytes);
    return good;
}

static bool binary_token_check(const struct server *server, xmlNode *token, struct fault *ret_fault)
{
    char *type = soap_attribute_text(token, NULL, "ValueType");
    bool known = type && (strcmp(type, USER_TOKEN_TYPE) == 0 || strcmp(type, JWT_TYPE) == 0);
    free(type);
    if (!known)
        return fault_set(ret_fault, "InvalidSecurity",
                         "the attribute ValueType of BinarySecurityToken is missing or not known");
    if (!soap_attribute_require(token, "EncodingType", BASE64_ENCODING, ret_fault)) {
        (void)snprintf(ret_fault->name, sizeof ret_fault->name, "InvalidSecurity");
        return false;
    }
    char *text = (char *)xmlNodeGetContent(token);
    bool good = text && token_content_check(server, text, ret_fault);
    free(text);
    return good;
}

/* A certificate shown without proof, as the policy request does: it is public, and so are the policies. */
static bool certificate_token_check(const struct server *server, xmlNode *token, struct fault *ret_fault)
{
    if (!soap_attribute_require(token, "ValueType", X509_TYPE, ret_fault) ||
        !soap_attribute_require(token, "EncodingType", BASE64_ENCODING, ret_fault)) {
        (void)snprintf(ret_fault->name, sizeof ret_fault->name, "InvalidSecurity");
        return false;
    }
    X509 *certificate = signature_certificate_read(token, ret_fault);
    if (!certificate)
        return false;
    char why[256] = "";
    bool good = authority_certificate_check(server->authority, certificate, why);
    X509_free(certificate);
    return good || fault_set(ret_fault, "Authentication", "the certificate is not accepted: %s", why);
}

static bool header_check(const struct request *request, const struct soap_message *message,
                         enum credentials_for use, struct fault *ret_fault)
{
    const struct options *options = &request->server->options;
    if (options->policy == AUTH_CERTIFICATE && use == CREDENTIALS_ENROLLMENT)
        return signature_check(request->server, message, ret_fault);
    xmlNode *username = soap_child_find(message->security, SECURITY_NAMESPACE, "UsernameToken");
    xmlNode *binary = soap_child_find(message->security, SECURITY_NAMESPACE, "BinarySecurityToken");
    if (username && binary)
        return fault_set(ret_fault, "InvalidSecurity",
                         "Security holds both UsernameToken and BinarySecurityToken");
    if ((username && soap_sibling_find(username, SECURITY_NAMESPACE, "UsernameToken")) ||
        (binary && soap_sibling_find(binary, SECURITY_NAMESPACE, "BinarySecurityToken")))
        return fault_set(ret_fault, "InvalidSecurity", "Security holds more than one token");
    if (options->policy == AUTH_CERTIFICATE && binary)
        return certificate_token_check(request->server, binary, ret_fault);
    if (options->policy == AUTH_ON_PREMISE && username)
        return username_token_check(options, username, ret_fault);
    if (binary && (options->policy == AUTH_FEDERATED || options->token))
        return binary_token_check(request->server, binary, ret_fault);
    return fault_set(ret_fault, "InvalidSecurity", "%s is missing in Security, which %s enrolment needs",
                     options->policy == AUTH_ON_PREMISE ? "UsernameToken" : "BinarySecurityToken",
                     options_policy_name(options->policy));
}

static bool renewal_check(const struct request *request, const struct soap_message *message,
                          struct fault *ret_fault)
{
    const struct options *options = &request->server->options;
    xmlNode *username =
        message->security ? soap_child_find(message->security, SECURITY_NAMESPACE, "UsernameToken") : NULL;
    if (username)
        return username_only_check(options, username, ret_fault);
    if (modes_has(&options->modes, "renew", "token-header"))
        return fault_set(ret_fault, "InvalidSecurity", "UsernameToken is missing in Security");
    return true;
}

bool credentials_check(const struct request *request, const struct soap_message *message,
                       enum credentials_for use, struct fault *ret_fault)
{
    if (use == CREDENTIALS_RENEWAL)
        return renewal_check(request, message, ret_fault);
    char why[256] = "";
    bool by_tls = use == CREDENTIALS_POLICY && request->tls_certificate &&
                  authority_certificate_check(request->server->authority, request->tls_certificate, why);
    if (by_tls)
        return renewal_check(request, message, ret_fault);
    if (!message->security)
        return fault_set(ret_fault, "InvalidSecurity", "the header wsse:Security is missing");
    return header_check(request, message, use, ret_fault);
}
