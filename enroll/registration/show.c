/* What intune-enroll show prints: the lines that an application's configuration needs, with this token's
 * names in them. */
#include "registration.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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
    snprintf(ret->uri, sizeof ret->uri, "pkcs11:token=%s;object=%s", token, object);
    for (size_t i = 0; i < generation->id_size; i++)
        used += (size_t)snprintf(ret->id + used, sizeof ret->id - used, "%02X", generation->id[i]);
    escape(generation->manufacturer, keep_in_openvpn, "\\x", manufacturer);
    escape(generation->model, keep_in_openvpn, "\\x", model);
    escape(generation->serial, keep_in_openvpn, "\\x", serial);
    escape(generation->label, keep_in_openvpn, "\\x", token);
    snprintf(ret->openvpn_id, sizeof ret->openvpn_id, "%s/%s/%s/%s/%s", manufacturer, model, serial, token,
             ret->id);
    snprintf(ret->certificate, sizeof ret->certificate, "%s/current/device.crt", directory);
    ret->library = registration_library();
}

static void show_curl(const struct names *names)
{
    printf("curl --cert '%s' --key '%s' \\\n    https://intranet.example.com/\n", names->uri, names->uri);
}

static void show_firefox(const struct names *names)
{
    printf("# /etc/firefox/policies/policies.json, as intune-enroll register writes it\n"
           "{\n  \"policies\": {\n    \"SecurityDevices\": {\n      \"Add\": {\n"
           "        \"" REGISTRATION_NAME "\": \"%s\"\n      }\n    }\n  }\n}\n",
           names->library);
}

static void show_chromium(const struct names *names)
{
    printf("# each user, as intune-enroll register --user does it\n"
           "modutil -force -dbdir sql:$HOME/.pki/nssdb -add " REGISTRATION_NAME " -libfile %s\n"
           "# root, as intune-enroll register --url does it: /etc/chromium/policies/managed/intune-tpm.json\n"
           "{\"AutoSelectCertificateForUrls\": [\"{\\\"pattern\\\":\\\"https://intranet.example.com\\\","
           "\\\"filter\\\":{}}\"]}\n",
           names->library);
}

static void show_openvpn(const struct names *names)
{
    printf("pkcs11-providers %s\npkcs11-id '%s'\n", names->library, names->openvpn_id);
}

static void show_strongswan(const struct names *names)
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
}

static void show_wpa_supplicant(const struct names *names)
{
    printf("pkcs11_engine_path=" INTUNE_ENGINE "\npkcs11_module_path=%s\n"
           "# in a network block, with eap=TLS, identity, ca_cert and domain_match\n"
           "engine=1\nengine_id=\"pkcs11\"\nkey_id=\"%s\"\nclient_cert=\"%s\"\n",
           names->library, names->uri, names->certificate);
}

static void show_ssh(const struct names *names)
{
    printf("# /etc/ssh/ssh_config.d/intune-tpm.conf or ~/.ssh/config\n"
           "Host server.example.com\n    PKCS11Provider %s\n"
           "# the line for authorized_keys: ssh-keygen -D %s\n",
           names->library, names->library);
}

static void show_java(const struct names *names)
{
    printf("# /etc/java-17-openjdk/intune-tpm.cfg\n"
           "name = " REGISTRATION_NAME "\nlibrary = %s\nslotListIndex = 0\n"
           "# keytool -list -keystore NONE -storetype PKCS11 -storepass '' -addprovider SunPKCS11 "
           "-providerArg /etc/java-17-openjdk/intune-tpm.cfg\n",
           names->library);
}

static const struct {
    const char *application;
    void (*show)(const struct names *names);
} APPLICATIONS[] = {
    {"openvpn", show_openvpn},
    {"strongswan", show_strongswan},
    {"wpa_supplicant", show_wpa_supplicant},
    {"ssh", show_ssh},
    {"java", show_java},
    {"curl", show_curl},
    {"firefox", show_firefox},
    {"chromium", show_chromium},
};

#define APPLICATION_COUNT (sizeof APPLICATIONS / sizeof *APPLICATIONS)

static enum enroll_exit directory_choose(const char *given, char ret_directory[static PATH_MAX],
                                         struct enroll_error *ret_error)
{
    if (given ? snprintf(ret_directory, PATH_MAX, "%s", given) >= PATH_MAX
              : !token_directory_find(ret_directory, PATH_MAX))
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, STEP_PREPARE, "",
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
        return enroll_error_set(ret_error, ENROLL_USAGE, STEP_PREPARE, "",
                                "There is no application %s to show.", application);
    status = directory_choose(directory, chosen, ret_error);
    if (status != ENROLL_OK)
        return status;
    switch (token_generation_read(chosen, &generation, why, sizeof why)) {
    case TOKEN_OK:
        names_fill(generation, chosen, &names);
        APPLICATIONS[i].show(&names);
        token_generation_free(generation);
        return ENROLL_OK;
    case TOKEN_ABSENT:
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, STEP_PREPARE,
                                "Enrol first: intune-enroll enroll", "No enrolment is in %s.", chosen);
    default:
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, STEP_PREPARE, "", "%s", why);
    }
}
