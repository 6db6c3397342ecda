/* module/tpm/key_create.c, persistent.c and facts.c: which parent a key gets, and what other programs make of
 * it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tpm-key-fixture.h"

static void the_facts_are_those_of_swtpm(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_facts facts;

    assert_int_equal(tpm_facts_read(fixture->tpm, &facts), TPM_OK);
    assert_string_equal(facts.manufacturer, "IBM");
    assert_string_equal(facts.model, "SW   TPM");
    assert_true(facts.revision >= 138 && facts.revision < 1000);
    assert_true(facts.rsa_max_bits >= 2048);
    assert_true(facts.p256 && facts.p384);
    assert_true(facts.persistent_free >= 2);
    assert_false(facts.owner_has_authorization);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o secret"), 0);
    assert_int_equal(tpm_facts_read(fixture->tpm, &facts), TPM_OK);
    assert_true(facts.owner_has_authorization);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o -p secret"), 0);
}

static void the_storage_root_is_stored_only_when_allowed(void **state)
{
    struct tpm_key_request request = request_p256;
    struct fixture *fixture = *state;
    struct tpm_key key;

    request.may_persist = false;
    assert_int_equal(tpm_key_create(fixture->tpm, &request, NULL, NULL, &key), TPM_OK);
    assert_int_equal(key.parent, 0x40000001);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-persistent"), 0);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    fixture_assert_nothing_left(fixture);

    request.may_persist = true;
    assert_int_equal(tpm_key_create(fixture->tpm, &request, NULL, NULL, &key), TPM_OK);
    assert_int_equal(key.parent, 0x81000001);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-persistent"), 1);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);

    /* It is used where it stands, stored by anybody. */
    request.may_persist = false;
    assert_int_equal(tpm_key_create(fixture->tpm, &request, NULL, NULL, &key), TPM_OK);
    assert_int_equal(key.parent, 0x81000001);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81000001"), 0);
    fixture_assert_nothing_left(fixture);
}

/* Windows leaves an RSA storage key there; others may leave anything. */
static void a_strange_object_at_the_storage_root_is_left_alone(void **state)
{
    static const char *const objects[] = {
        "tpm2_createprimary -Q -C o -G rsa2048 -c o.ctx",
        "tpm2_createprimary -Q -C o -G ecc384 -c o.ctx",
        ("tpm2_createprimary -Q -C o -G ecc:null -c o.ctx -a "
         "'sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth'"),
        "tpm2_createprimary -Q -C o -G ecc -p password -c o.ctx",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        for (int with_pin = 0; with_pin < 2; with_pin++) {
            struct tpm_auth auth;
            struct tpm_key key;

            assert_int_equal(simulator_tool(&fixture->simulator, objects[i]), 0);
            assert_int_equal(simulator_tool(&fixture->simulator,
                                            "tpm2_evictcontrol -C o -c o.ctx 0x81000001 && "
                                            "tpm2_flushcontext -t"),
                             0);
            fixture_key_create(fixture, &request_p256, with_pin ? "4711" : NULL, &key, &auth);
            assert_int_equal(key.parent, 0x40000001);
            assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
            assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            if (with_pin)
                assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81000001"), 0);
            fixture_assert_nothing_left(fixture);
        }
}

static void an_owner_authorization_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;

    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o secret"), 0);
    assert_int_equal(tpm_key_create(fixture->tpm, &request_p256, NULL, NULL, &key), TPM_HIERARCHY_DENIED);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o -p secret"), 0);

    /* With a storage root in place a key can be made, and not be stored. */
    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o secret"), 0);
    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_HIERARCHY_DENIED);
    assert_int_equal(key.persistent_handle, 0);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_changeauth -c o -p secret"), 0);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81000001"), 0);
    fixture_assert_nothing_left(fixture);
}

static void impossible_requests_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct tpm_key_request odd_size = {.type = TPM_KEY_RSA, .bits = 1024},
                                 no_curve = {.type = TPM_KEY_EC};
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {0};
    struct tpm_facts facts;
    struct tpm_key key;

    assert_int_equal(tpm_key_create(fixture->tpm, &odd_size, NULL, NULL, &key), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_key_create(fixture->tpm, &no_curve, NULL, NULL, &key), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_key_create(fixture->tpm, &request_p256, NULL, salt, &key), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_facts_read(fixture->tpm, &facts), TPM_OK);
    for (unsigned bits = 2048; bits <= 4096; bits += 1024) {
        const struct tpm_key_request request = {.type = TPM_KEY_RSA, .bits = bits};
        enum tpm_status status = bits == 4096 && facts.rsa_max_bits == 4096
                                     ? TPM_OK /* takes minutes */
                                     : tpm_key_create(fixture->tpm, &request, NULL, NULL, &key);

        assert_int_equal(status, bits <= facts.rsa_max_bits ? TPM_OK : TPM_UNSUPPORTED);
    }
    fixture_assert_nothing_left(fixture);
}

static void resident_keys_are_listed_and_removed(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_resident list[4];
    struct tpm_key keys[3];
    size_t count = 9;

    assert_int_equal(tpm_resident_list(fixture->tpm, list, 4, &count), TPM_OK);
    assert_int_equal(count, 0);
    for (int i = 0; i < 3; i++) {
        fixture_key_create(fixture, &request_p256, NULL, &keys[i], NULL);
        assert_int_equal(tpm_key_persist(fixture->tpm, &keys[i], &keys[i].persistent_handle), TPM_OK);
        assert_int_equal(keys[i].persistent_handle, 0x81010001 + i);
    }
    /* What is no signing key is not ours to list. */
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_createprimary -Q -C o -G ecc -c o.ctx && "
                                                         "tpm2_evictcontrol -Q -C o -c o.ctx 0x81010004 && "
                                                         "tpm2_flushcontext -t"),
                     0);
    assert_int_equal(tpm_resident_list(fixture->tpm, list, 4, &count), TPM_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(list[i].handle, keys[i].persistent_handle);
        assert_memory_equal(list[i].public_key.x, keys[i].public_key.x, 32);
    }
    assert_int_equal(tpm_resident_list(fixture->tpm, list, 2, &count), TPM_OK);
    assert_int_equal(count, 2);

    /* The lowest free handle is taken again. */
    assert_int_equal(tpm_key_evict(fixture->tpm, &keys[1]), TPM_OK);
    assert_int_equal(tpm_key_evict(fixture->tpm, &keys[1]), TPM_OK);
    assert_int_equal(tpm_key_persist(fixture->tpm, &keys[1], &keys[1].persistent_handle), TPM_OK);
    assert_int_equal(keys[1].persistent_handle, 0x81010002);

    list[0].public_key = keys[2].public_key;
    assert_int_equal(tpm_resident_evict(fixture->tpm, &list[0]), TPM_WRONG_KEY);
    for (int i = 0; i < 3; i++) {
        const struct tpm_resident resident = {.handle = keys[i].persistent_handle,
                                              .public_key = keys[i].public_key};

        assert_int_equal(tpm_resident_evict(fixture->tpm, &resident), TPM_OK);
    }
    list[0].handle = 0x81000001;
    assert_int_equal(tpm_resident_evict(fixture->tpm, &list[0]), TPM_BAD_ARGUMENT);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-persistent"), 2);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81010004 && "
                                                         "tpm2_evictcontrol -C o -c 0x81000001"),
                     0);
    fixture_assert_nothing_left(fixture);
}

/* DER with one length form, enough for a key file. */
static size_t der_append(uint8_t *to, uint8_t tag, const uint8_t *content, size_t size)
{
    to[0] = tag;
    to[1] = 0x82;
    to[2] = (uint8_t)(size >> 8);
    to[3] = (uint8_t)size;
    memcpy(to + 4, content, size);
    return 4 + size;
}

/* draft-bottomley-tpm2-keys: loadable key, empty authorization, parent, public and private blob. */
static void key_file_write(const char *path, const struct tpm_key *key)
{
    static const uint8_t head[] = {0x06, 0x06, 0x67, 0x81, 0x05, 0x0a, 0x01, 0x03, 0xa0, 0x03,
                                   0x01, 0x01, 0xff, 0x02, 0x04, 0x40, 0x00, 0x00, 0x01};
    uint8_t content[4096], der[4200];
    size_t size = sizeof(head);
    FILE *file = fopen(path, "w");

    memcpy(content, head, sizeof(head));
    size += der_append(content + size, 0x04, key->public_blob, key->public_blob_size);
    size += der_append(content + size, 0x04, key->private_blob, key->private_blob_size);
    size = der_append(der, 0x30, content, size);
    assert_non_null(file);
    assert_true(PEM_write(file, "TSS2 PRIVATE KEY", "", der, (long)size) > 0);
    fclose(file);
}

static void tpm2_openssl_opens_the_key(void **state)
{
    const struct tpm_key_request *const requests[] = {&request_rsa_2048, &request_p256};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        struct tpm_key_request request = *requests[i];
        EVP_PKEY *expected, *found;
        struct tpm_key key;
        char path[96];
        FILE *file;

        request.may_persist = false;
        assert_int_equal(tpm_key_create(fixture->tpm, &request, NULL, NULL, &key), TPM_OK);
        assert_int_equal(key.parent, 0x40000001);
        snprintf(path, sizeof(path), "%s/device.key", fixture->simulator.directory);
        key_file_write(path, &key);
        assert_int_equal(
            simulator_tool(
                &fixture->simulator,
                "export TPM2OPENSSL_TCTI=$TPM2TOOLS_TCTI && "
                "openssl pkey -provider tpm2 -provider default -in device.key -pubout -out p.pem && "
                "head -c 32 /dev/zero >digest && "
                "openssl pkeyutl -provider tpm2 -provider default -sign -inkey device.key -in digest "
                "-pkeyopt digest:sha256 -out s && "
                "openssl pkeyutl -verify -pubin -inkey p.pem -in digest "
                "-pkeyopt digest:sha256 -sigfile s"),
            0);
        snprintf(path, sizeof(path), "%s/p.pem", fixture->simulator.directory);
        file = fopen(path, "r");
        assert_non_null(file);
        found = PEM_read_PUBKEY(file, NULL, NULL, NULL);
        fclose(file);
        expected = fixture_public_key(&key.public_key);
        assert_int_equal(EVP_PKEY_eq(expected, found), 1);
        EVP_PKEY_free(expected);
        EVP_PKEY_free(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_facts_are_those_of_swtpm),
        cmocka_unit_test(the_storage_root_is_stored_only_when_allowed),
        cmocka_unit_test(a_strange_object_at_the_storage_root_is_left_alone),
        cmocka_unit_test(an_owner_authorization_is_said),
        cmocka_unit_test(impossible_requests_are_refused),
        cmocka_unit_test(resident_keys_are_listed_and_removed),
        cmocka_unit_test(tpm2_openssl_opens_the_key),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
