/* What intune-enroll show prints: the lines that an application's configuration needs, with this token's
 * names in them. */
#include "registration.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "issuer.h"
#include "application_paths.h"
#include "browser_policies.h"
#include "token_directory.h"

/* Names are 32 bytes long at most, each of which may become four characters. */
#define NAME_MAX_ESCAPED (4 * 33 + 1)

/* What the applications call the token and its objects. */
struct names {
    char uri[512];                   /* RFC 7512 */
    char openvpn_id[768];            /* pkcs11-helper's serialized certificate id */
    char id[2 * TOKEN_ID_MAX + 1];   /* CKA_ID, hexadecimal */
    char certificate[PATH_MAX + 32]; /* file of the device certificate */
    const char *library;             /* for applications that load a module by path */
    char object[33];                 /* their label, as a regular expression of grep */
    char *issuer;                    /* common name of the certificate's issuer, or NULL */
};

/* Every byte that `keep` does not accept becomes the prefix (two characters at most) and two digits.
 */
static void escape(const char *text, bool (*keep)(int), const char *prefix, char ret[static NAME_MAX_ESCAPED])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;

    for (; *text && used + 5 <= NAME_MAX_ESCAPED; text++) {
        unsigned char byte = (unsigned char)*text;

        if (keep(byte)) {
            ret[used++] = (char)byte;
            continue;
        }
        for (const char *character = prefix; *character; character++)
            ret[used++] = *character;
        ret[used++] = digits[byte >> 4];
        ret[used++] = digits[byte & 15];
    }
    ret[used] = 0;
}

/* RFC 3986, 2.3: unreserved characters. */
static bool keep_in_uri(int byte)
{
    return byte < 0x80 && (isalnum(byte) || strchr("-._~", byte));
}

/* What pkcs11-helper leaves as it is in a serialized id. */
static bool keep_in_openvpn(int byte)
{
    return byte < 0x80 && isgraph(byte) && !strchr("\\/\"'%&#@!?$* <>{}[]()`|:;,.+-", byte);
}

static void names_fill(const struct token_generation *generation, const char *directory, struct names *ret)
{
    char token[NAME_MAX_ESCAPED], object[NAME_MAX_ESCAPED], manufacturer[NAME_MAX_ESCAPED],
        model[NAME_MAX_ESCAPED], serial[NAME_MAX_ESCAPED];
    size_t used = 0;

    escape(generation->label, keep_in_uri, "%", token);
    escape(generation->object_label, keep_in_uri, "%", object);
    snprintf(ret->uri, sizeof(ret->uri), "pkcs11:token=%s;object=%s", token, object);
    for (size_t i = 0; i < generation->id_size; i++)
        used += (size_t)snprintf(ret->id + used, sizeof(ret->id) - used, "%02X", generation->id[i]);
    escape(generation->manufacturer, keep_in_openvpn, "\\x", manufacturer);
    escape(generation->model, keep_in_openvpn, "\\x", model);
    escape(generation->serial, keep_in_openvpn, "\\x", serial);
    escape(generation->label, keep_in_openvpn, "\\x", token);
    snprintf(ret->openvpn_id, sizeof(ret->openvpn_id), "%s/%s/%s/%s/%s", manufacturer, model, serial, token,
             ret->id);
    snprintf(ret->certificate, sizeof(ret->certificate), "%s/current/device.crt", directory);
    ret->library = registration_library();
    snprintf(ret->object, sizeof(ret->object), "%s", generation->object_label);
    for (char *character = ret->object; *character; character++)
        if (!keep_in_uri((unsigned char)*character))
            *character = '.';
    ret->issuer = issuer_common_name(generation);
}

static bool show_curl(const struct names *names)
{
    printf("curl --cert '%s' --key '%s' \\\n    https://intranet.example.com/\n", names->uri, names->uri);
    return true;
}

/* Nothing but the file's text on stdout: it is JSON, which has no comments. */
static bool show_firefox(const struct names *names)
{
    char *text = NULL;
    bool changed;

    if (!policies_firefox(NULL, names->library, &text, &changed) || !text)
        return false;
    fprintf(stderr, "This is all of " FIREFOX_POLICIES ".\n"
                    "Where that file exists already, intune-enroll register adds it to the rest.\n");
    fputs(text, stdout);
    free(text);
    return true;
}

/* A user's database has no text that could be pasted, only commands; so the policy comes as one, too. */
static bool show_chromium(const struct names *names)
{
    static const char *const patterns[] = {"https://intranet.example.com"};
    char *text = NULL;
    bool changed;

    if (!policies_chromium(NULL, patterns, 1, names->issuer, &text, &changed) || !text)
        return false;
    printf(
        "# each user, as intune-enroll register --user does it (package libnss3-tools)\n"
        "mkdir -p -m 700 \"$HOME/.pki\" \"$HOME/.pki/nssdb\"\n"
        "[ -e \"$HOME/.pki/nssdb/cert9.db\" ] || certutil -N -d \"sql:$HOME/.pki/nssdb\" --empty-password\n"
        "modutil -force -dbdir \"sql:$HOME/.pki/nssdb\" -add " REGISTRATION_NAME " -libfile %s\n"
        "# root, as intune-enroll register --url %s does it\n"
        "mkdir -p " CHROMIUM_MANAGED "\n"
        "cat >" CHROMIUM_POLICIES " <<'END'\n%sEND\n",
        names->library, patterns[0], text);
    free(text);
    return true;
}

static bool show_openvpn(const struct names *names)
{
    printf("pkcs11-providers %s\npkcs11-id '%s'\n", names->library, names->openvpn_id);
    return true;
}

static bool show_strongswan(const struct names *names)
{
    printf("# /etc/strongswan.d/intune-tpm.conf\n"
           "libstrongswan {\n    plugins {\n        pkcs11 {\n            modules {\n               "
           " " REGISTRATION_NAME
           " {\n                    path = %s\n                }\n            }\n        }\n    }\n}\n",
           names->library);
    printf("# /etc/swanctl/conf.d/, in local of a connection\n"
           "cert1 {\n    handle = %s\n    module = " REGISTRATION_NAME "\n}\n"
           "# and in secrets\n"
           "token1 {\n    handle = %s\n    module = " REGISTRATION_NAME "\n    pin = none\n}\n",
           names->id, names->id);
    return true;
}

static bool show_wpa_supplicant(const struct names *names)
{
    printf("pkcs11_engine_path=" INTUNE_PKCS11_OF_OPENSSL "\npkcs11_module_path=%s\n"
           "# in a network block, with eap=TLS, identity, ca_cert and domain_match\n"
           "engine=1\nengine_id=\"pkcs11\"\nkey_id=\"%s\"\nclient_cert=\"%s\"\n",
           names->library, names->uri, names->certificate);
    return true;
}

static bool show_ssh(const struct names *names)
{
    printf("# /etc/ssh/ssh_config.d/intune-tpm.conf or ~/.ssh/config\n"
           "Host server.example.com\n    PKCS11Provider %s\n"
           "# the line for the server's authorized_keys: ssh-keygen -D %s | grep ' %s$'\n",
           names->library, names->library, names->object);
    return true;
}

static bool show_java(const struct names *names)
{
    printf("# /etc/intune-tpm/java.cfg\n"
           "name = " REGISTRATION_NAME "\nlibrary = %s\nslotListIndex = 0\n"
           "# keytool -list -keystore NONE -storetype PKCS11 -storepass '' -addprovider SunPKCS11 "
           "-providerArg /etc/intune-tpm/java.cfg\n",
           names->library);
    return true;
}

/* "default" is the name of the file's unnamed section, so the provider's section is called otherwise. */
static bool show_openssl(const struct names *names)
{
    printf("# /etc/intune-tpm/openssl.cnf (package pkcs11-provider; Debian 13 or later)\n"
           "openssl_conf = openssl_init\n[openssl_init]\nproviders = providers\n"
           "[providers]\ndefault = default_provider\npkcs11 = pkcs11_provider\n"
           "[default_provider]\nactivate = 1\n"
           "[pkcs11_provider]\npkcs11-module-path = %s\nactivate = 1\n"
           "# any program that uses OpenSSL's configuration and takes a URI of a key, with OPENSSL_CONF in "
           "its environment:\n"
           "# OPENSSL_CONF=/etc/intune-tpm/openssl.cnf openssl s_client -key '%s;type=private' -cert "
           "'%s;type=cert' ...\n",
           names->library, names->uri, names->uri);
    return true;
}

static const struct {
    const char *application;
    bool (*show)(const struct names *names); /* false: no memory */
} APPLICATIONS[] = {
    {"openvpn", show_openvpn},
    {"strongswan", show_strongswan},
    {"wpa_supplicant", show_wpa_supplicant},
    {"ssh", show_ssh},
    {"java", show_java},
    {"openssl", show_openssl},
    {"curl", show_curl},
    {"firefox", show_firefox},
    {"chromium", show_chromium},
};

#define APPLICATION_COUNT (sizeof APPLICATIONS / sizeof *APPLICATIONS)

static enum enroll_exit directory_choose(const char *given, char ret_directory[static PATH_MAX],
                                         struct enroll_error *ret_error)
{
    /* What is shown is used in any working directory. */
    if (given && given[0] != '/' && realpath(given, ret_directory))
        return ENROLL_OK;
    if (given ? snprintf(ret_directory, PATH_MAX, "%s", given) >= PATH_MAX
              : !token_directory_find(ret_directory, PATH_MAX))
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, "",
                                "The token directory's path is too long.");
    return ENROLL_OK;
}

enum enroll_exit registration_show(const char *application, const char *directory,
                                   struct enroll_error *ret_error)
{
    char chosen[PATH_MAX], why[512] = "";
    struct token_generation *generation = NULL;
    struct names names;
    enum enroll_exit status;
    size_t i = 0;

    while (i < APPLICATION_COUNT && strcmp(APPLICATIONS[i].application, application) != 0)
        i++;
    if (i == APPLICATION_COUNT)
        return enroll_error_set(ret_error, ENROLL_USAGE, "", "There is no application %s to show.",
                                application);
    status = directory_choose(directory, chosen, ret_error);
    if (status != ENROLL_OK)
        return status;
    switch (token_generation_read(chosen, &generation, why, sizeof(why))) {
    case TOKEN_OK:
        names_fill(generation, chosen, &names);
        if (!APPLICATIONS[i].show(&names))
            status = enroll_error_set(ret_error, ENROLL_FAILED, "", "Out of memory.");
        free(names.issuer);
        token_generation_free(generation);
        return status;
    case TOKEN_ABSENT:
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, "Enrol first: intune-enroll enroll",
                                "No enrolment is in %s.", chosen);
    default:
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, "", "%s", why);
    }
}
