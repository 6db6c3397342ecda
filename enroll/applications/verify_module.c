#include "verify_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#include "signature_trial.h"

#define MODULE_NAME "intune-tpm"
#define SLOTS_MAX   16

/* A field of CK_TOKEN_INFO is padded with blanks and has no end (PKCS #11 3.1, 3.2). */
static bool field_is(const unsigned char *field, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length > size || memcmp(field, text, length) != 0)
        return false;
    for (size_t i = length; i < size; i++) {
        if (field[i] != ' ')
            return false;
    }
    return true;
}

/* How many objects of a class have the token's id; the first of them in *ret_object. */
static unsigned long objects_find(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                                  const struct token_generation *generation, CK_OBJECT_HANDLE *ret_object)
{
    CK_OBJECT_HANDLE objects[4] = {0};
    CK_ULONG count = 0;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)},
                               {CKA_ID, (void *)(uintptr_t)generation->id, generation->id_size}};
    if (module->C_FindObjectsInit(session, template, 2) != CKR_OK)
        return 0;
    if (module->C_FindObjects(session, objects, 4, &count) != CKR_OK)
        count = 0;
    module->C_FindObjectsFinal(session);
    *ret_object = objects[0];
    return count;
}

/* Signs as an application would, with a login first where the key has a PIN. */
static void key_try(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session,
                    const struct token_generation *generation, const char *pin,
                    struct verify_module_result *result)
{
    CK_OBJECT_HANDLE key;
    CK_RV rv = CKR_OK;
    result->tried = true;
    if (generation->key.has_pin)
        rv = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
    if (rv != CKR_OK) {
        snprintf(result->signs_text, sizeof(result->signs_text), "no login: %s", p11_kit_strerror(rv));
        return;
    }
    if (objects_find(module, session, CKO_PRIVATE_KEY, generation, &key) == 1)
        result->signs = verify_signature(module, session, key, generation, result->signs_text,
                                         sizeof(result->signs_text));
    else
        snprintf(result->signs_text, sizeof(result->signs_text), "the key does not show");
    if (generation->key.has_pin)
        module->C_Logout(session);
}

static bool token_look(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const struct token_generation *generation,
                       const struct verify_module_trial *trial, struct verify_module_result *result)
{
    CK_OBJECT_HANDLE first;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;
    if (module->C_GetTokenInfo(slot, &info) != CKR_OK ||
        !field_is(info.serialNumber, sizeof(info.serialNumber), generation->serial) ||
        !field_is(info.label, sizeof(info.label), generation->label))
        return false;
    if (module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK) {
        snprintf(result->token_text, sizeof(result->token_text),
                 "the token is there, but no session can be opened");
        return true;
    }
    unsigned long certificates = objects_find(module, session, CKO_CERTIFICATE, generation, &first);
    unsigned long keys = objects_find(module, session, CKO_PRIVATE_KEY, generation, &first);
    /* With a PIN the key shows after login only. */
    result->visible = certificates == 1 && (keys == 1 || generation->key.has_pin);
    if (result->visible)
        snprintf(result->token_text, sizeof(result->token_text), "token %s with key and certificate",
                 generation->label);
    else
        snprintf(result->token_text, sizeof(result->token_text),
                 "token %s shows %lu certificates and %lu keys of this enrolment", generation->label,
                 certificates, keys);
    if (result->visible && trial->sign && (trial->pin || !generation->key.has_pin))
        key_try(module, session, generation, trial->pin, result);
    module->C_CloseSession(session);
    return true;
}

static void slots_look(CK_FUNCTION_LIST *module, const struct token_generation *generation,
                       const struct verify_module_trial *trial, struct verify_module_result *result)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    snprintf(result->token_text, sizeof(result->token_text),
             "applications of this user do not see the token %s (serial %s)", generation->label,
             generation->serial);
    if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return;
    for (CK_ULONG i = 0; i < count; i++) {
        if (token_look(module, slots[i], generation, trial, result))
            return;
    }
}

void verify_module_look(const struct token_generation *generation, const struct verify_module_trial *trial,
                        struct verify_module_result *ret_result)
{
    *ret_result = (struct verify_module_result){0};
    snprintf(ret_result->module_text, sizeof(ret_result->module_text),
             "p11-kit has no module called " MODULE_NAME);
    CK_FUNCTION_LIST **modules = p11_kit_modules_load(NULL, 0);
    for (size_t i = 0; modules && modules[i]; i++) {
        char *name = p11_kit_module_get_name(modules[i]);
        if (name && strcmp(name, MODULE_NAME) == 0 && !ret_result->found) {
            CK_RV rv = p11_kit_module_initialize(modules[i]);
            ret_result->found = rv == CKR_OK;
            snprintf(ret_result->module_text, sizeof(ret_result->module_text),
                     "p11-kit's module " MODULE_NAME " %s%s", rv == CKR_OK ? "is loaded" : "does not start: ",
                     rv == CKR_OK ? "" : p11_kit_strerror(rv));
            if (rv == CKR_OK) {
                slots_look(modules[i], generation, trial, ret_result);
                p11_kit_module_finalize(modules[i]);
            }
        }
        free(name);
    }
    if (modules)
        p11_kit_modules_release(modules);
}
