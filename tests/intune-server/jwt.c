#include "jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "text.h"

#define SIGNATURE_MAX 1024
#define TOKEN_MAX     (16 * 1024)

static _Noreturn void jwt_fail(const char *what)
{
    (void)fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static void signature_append(EVP_PKEY *key, struct text *token)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &size, (const unsigned char *)token->data, token->size) != 1)
        jwt_fail("the signature of a token");
    EVP_MD_CTX_free(context);
    text_append(token, ".");
    text_base64url_append(token, signature, size);
}

static void claim_add(struct json_object *claims, const char *name, const char *value)
{
    if (value != NULL)
        json_object_object_add(claims, name, json_object_new_string(value));
}

char *jwt_issue(EVP_PKEY *key, const struct jwt_claims *claims)
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"test\"}";
    struct json_object *body = json_object_new_object();
    char identifier[37];
    text_random_uuid(identifier);
    time_t now = time(NULL);
    claim_add(body, "aud", claims->audience);
    claim_add(body, "iss", "https://sts.test/00000000-0000-0000-0000-000000000002/");
    claim_add(body, "tid", "00000000-0000-0000-0000-000000000002");
    claim_add(body, "appid", claims->application != NULL ? claims->application : JWT_APPLICATION);
    claim_add(body, "upn", claims->user);
    claim_add(body, "deviceid", claims->device);
    claim_add(body, "uti", identifier);
    json_object_object_add(body, "nbf", json_object_new_int64(now + claims->begins));
    json_object_object_add(body, "exp", json_object_new_int64(now + claims->ends));
    const char *json = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
    struct text token = {0};
    text_base64url_append(&token, header, sizeof(header) - 1);
    text_append(&token, ".");
    text_base64url_append(&token, json, strlen(json));
    signature_append(key, &token);
    json_object_put(body);
    return token.data;
}

/* One part of a token: base64url without padding. */
static bool part_decode(const char *part, size_t size, unsigned char **ret_bytes, size_t *ret_size)
{
    struct text standard = {0};
    text_bytes_append(&standard, part, size);
    text_append(&standard, "");
    for (char *at = standard.data; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at == '+' || *at == '/' ? '!' : *at;
    while (standard.size % 4 != 0)
        text_append(&standard, "=");
    bool good = text_base64_decode(standard.data, ret_bytes, ret_size);
    text_clear(&standard);
    return good;
}

static struct json_object *part_parse(const char *part, size_t size)
{
    unsigned char *bytes = NULL;
    size_t bytes_size = 0;
    if (!part_decode(part, size, &bytes, &bytes_size))
        return NULL;
    struct json_object *object = json_tokener_parse((const char *)bytes);
    free(bytes);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

static bool signature_check(EVP_PKEY *key, const char *token, const char *end)
{
    unsigned char *signature = NULL;
    size_t size = 0;
    if (!part_decode(end + 1, strlen(end + 1), &signature, &size))
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, size, (const unsigned char *)token, (size_t)(end - token)) == 1;
    EVP_MD_CTX_free(context);
    free(signature);
    return good;
}

static const char *claim_get(struct json_object *claims, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(claims, name, &value) || !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static int64_t time_get(struct json_object *claims, const char *name)
{
    struct json_object *value = NULL;
    (void)json_object_object_get_ex(claims, name, &value);
    return json_object_get_int64(value);
}

static unsigned claims_check(struct json_object *claims, const char *audience, char *ret_device,
                             char *ret_why)
{
    time_t now = time(NULL);
    unsigned status = 401;
    const char *device = claim_get(claims, "deviceid");
    if (time_get(claims, "exp") <= now || time_get(claims, "nbf") > now)
        (void)snprintf(ret_why, JWT_WHY_SIZE, "the token is not valid now");
    else if (strcmp(claim_get(claims, "aud"), audience) != 0)
        (void)snprintf(ret_why, JWT_WHY_SIZE, "the token is for %.40s, not %.40s", claim_get(claims, "aud"),
                       audience);
    else if (strcmp(claim_get(claims, "appid"), JWT_APPLICATION) != 0)
        (void)snprintf(ret_why, JWT_WHY_SIZE, "the token is of another application");
    else if (*device == '\0' || strlen(device) >= JWT_DEVICE_SIZE) {
        status = 403;
        (void)snprintf(ret_why, JWT_WHY_SIZE, "the token names no registered device");
    } else {
        status = 0;
        (void)snprintf(ret_device, JWT_DEVICE_SIZE, "%s", device);
    }
    return status;
}

unsigned jwt_check(EVP_PKEY *key, const char *token, const char *audience, char ret_device[JWT_DEVICE_SIZE],
                   char ret_why[JWT_WHY_SIZE])
{
    const char *first = strchr(token, '.');
    const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
    unsigned status = 401;
    struct json_object *header = NULL;
    struct json_object *claims = NULL;
    (void)snprintf(ret_why, JWT_WHY_SIZE, "the token is no signed JWT");
    if (second == NULL || strlen(token) > TOKEN_MAX)
        return status;
    header = part_parse(token, (size_t)(first - token));
    claims = part_parse(first + 1, (size_t)(second - first) - 1);
    if (header == NULL || claims == NULL || strcmp(claim_get(header, "alg"), "RS256") != 0)
        goto out;
    if (!signature_check(key, token, second)) {
        (void)snprintf(ret_why, JWT_WHY_SIZE, "the token's signature is wrong");
        goto out;
    }
    status = claims_check(claims, audience, ret_device, ret_why);
out:
    json_object_put(header);
    json_object_put(claims);
    return status;
}

EVP_PKEY *jwt_key_open(const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file != NULL)
        (void)fclose(file);
    if (key != NULL)
        return key;
    key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_secmem());
    if (key == NULL || bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        jwt_fail(path);
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    if (!text_file_write(path, bytes, (size_t)size, 0600))
        jwt_fail(path);
    BIO_free(bio);
    return key;
}
