/* What a running application sees of the token directory: nothing, a token, a renewed one, a broken one. */
#include "module-client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

static CK_ULONG slots_with_token(void)
{
    CK_ULONG count;
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_TRUE, NULL, &count));
    return count;
}

static void certificate_hash(CK_SESSION_HANDLE session, uint8_t ret_value[3])
{
    assert_int_equal(
        get_attribute(session, find_object(session, CKO_CERTIFICATE), CKA_CHECK_VALUE, ret_value, 3), 3);
}

static bool signs_for(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY *public_key)
{
    uint8_t digest[32] = {9}, signature[512];
    size_t size = sign(session, &ecdsa, key, digest, sizeof digest, signature);
    return ecdsa_is_right(public_key, digest, sizeof digest, signature, size);
}

static int remove_token(void **state)
{
    world_remove_token(*state);
    return 0;
}

static void without_a_token_there_is_one_empty_slot(void **state)
{
    CK_SLOT_ID slot = 99;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_SESSION_HANDLE session;
    CK_MECHANISM_TYPE types[64];
    CK_ULONG count = 1;
    (void)state;
    initialize();
    assert_int_equal(slots_with_token(), 0);
    assert_rv(CKR_OK, p11->C_GetSlotList(CK_FALSE, &slot, &count));
    assert_int_equal(count, 1);
    assert_int_equal(slot, 0);
    assert_rv(CKR_OK, p11->C_GetSlotInfo(0, &slot_info));
    assert_int_equal(slot_info.flags & CKF_TOKEN_PRESENT, 0);
    assert_rv(CKR_TOKEN_NOT_PRESENT, p11->C_GetTokenInfo(0, &token_info));
    assert_rv(CKR_TOKEN_NOT_PRESENT, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
    assert_rv(CKR_TOKEN_NOT_PRESENT, p11->C_GetMechanismList(0, types, &count));
    finalize();
}

static void a_token_appears_in_a_running_application(void **state)
{
    initialize();
    assert_int_equal(slots_with_token(), 0);
    world_make_token(*state, "--type ec");
    assert_int_equal(slots_with_token(), 1);
    CK_SESSION_HANDLE session = open_session(0);
    assert_int_equal(count_objects(session, NULL, 0), 5);
    finalize();
}

static void a_pending_enrolment_shows_its_keys_only(void **state)
{
    initialize();
    world_make_token(*state, "--type ec --pending");
    CK_SESSION_HANDLE session = open_session(0);
    assert_int_equal(count_objects(session, NULL, 0), 2);
    find_object(session, CKO_PRIVATE_KEY);
    finalize();
}

static void a_renewed_certificate_appears_and_the_old_key_stays(void **state)
{
    uint8_t before[3], after[3], id_before[64], id_after[64];
    CK_TOKEN_INFO info_before, info_after;
    world_make_token(*state, "--type ec");
    initialize();
    CK_SESSION_HANDLE old_session = open_session(0);
    EVP_PKEY *old_public = token_public_key(old_session);
    CK_OBJECT_HANDLE old_key = find_object(old_session, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE old_certificate = find_object(old_session, CKO_CERTIFICATE);
    size_t id_size = get_attribute(old_session, old_key, CKA_ID, id_before, sizeof id_before);
    certificate_hash(old_session, before);
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info_before));

    world_make_token(*state, "--type ec"); /* a new key too */
    /* the session that was open sees the new certificate in its next search, and its old handles go on */
    certificate_hash(old_session, after);
    assert_memory_not_equal(before, after, 3);
    assert_int_equal(get_attribute(old_session, old_certificate, CKA_CHECK_VALUE, after, 3), 3);
    assert_memory_equal(before, after, 3);
    assert_true(signs_for(old_session, old_key, old_public));

    CK_SESSION_HANDLE new_session = open_session(0);
    EVP_PKEY *new_public = token_public_key(new_session);
    CK_OBJECT_HANDLE new_key = find_object(new_session, CKO_PRIVATE_KEY);
    assert_int_not_equal(new_key, old_key);
    assert_int_equal(EVP_PKEY_eq(old_public, new_public), 0);
    assert_true(signs_for(new_session, new_key, new_public));
    /* NSS finds a key in one session and signs in another */
    assert_true(signs_for(new_session, old_key, old_public));
    /* label, serial and id stay */
    assert_int_equal(get_attribute(new_session, new_key, CKA_ID, id_after, sizeof id_after), id_size);
    assert_memory_equal(id_before, id_after, id_size);
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info_after));
    assert_memory_equal(info_before.label, info_after.label, sizeof info_before.label);
    assert_memory_equal(info_before.serialNumber, info_after.serialNumber, sizeof info_before.serialNumber);

    /* once nobody can know the old generation any more it is gone */
    assert_rv(CKR_OK, p11->C_CloseSession(old_session));
    assert_rv(CKR_KEY_HANDLE_INVALID, p11->C_SignInit(new_session, &ecdsa, old_key));
    assert_true(signs_for(new_session, new_key, new_public));
    EVP_PKEY_free(old_public);
    EVP_PKEY_free(new_public);
    finalize();
}

static void a_signature_that_was_begun_ends_with_its_key(void **state)
{
    uint8_t digest[32] = {4}, signature[512];
    CK_ULONG size = sizeof signature;
    world_make_token(*state, "--type ec");
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    EVP_PKEY *public_key = token_public_key(session);
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, find_object(session, CKO_PRIVATE_KEY)));
    world_make_token(*state, "--type ec");
    assert_int_equal(slots_with_token(), 1);
    assert_rv(CKR_OK, p11->C_Sign(session, digest, sizeof digest, signature, &size));
    assert_true(ecdsa_is_right(public_key, digest, sizeof digest, signature, size));
    EVP_PKEY_free(public_key);
    finalize();
}

/* A backup may change a directory's times, and some file systems its inode: what is the same keeps its
 * handles. */
static void a_generation_that_only_looks_new_is_the_same(void **state)
{
    const struct world *world = *state;
    char current[160];
    world_make_token(world, "--type ec");
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    snprintf(current, sizeof current, "%s/current", world->directory);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(utimensat(AT_FDCWD, current, NULL, 0), 0);
        assert_int_equal(find_object(session, CKO_PRIVATE_KEY), key);
    }
    world_make_token(world, "--keep-key");
    assert_int_not_equal(find_object(session, CKO_PRIVATE_KEY), key);
    finalize();
}

/*
 * The environment is read by C_Initialize alone: getenv(3) amid another thread's setenv(3) may find a
 * variable missing, and then the token were gone, or another one.
 */
static void the_environment_is_read_once(void **state)
{
    const struct world *world = *state;
    world_make_token(world, "--type ec");
    initialize();
    assert_int_equal(slots_with_token(), 1);
    assert_int_equal(unsetenv("INTUNE_TPM_TOKEN_DIR"), 0);
    assert_int_equal(slots_with_token(), 1);
    assert_int_equal(setenv("INTUNE_TPM_TOKEN_DIR", "/nonexistent", 1), 0);
    assert_int_equal(slots_with_token(), 1);
    finalize();
    initialize();
    assert_int_equal(slots_with_token(), 0);
    finalize();
    assert_int_equal(setenv("INTUNE_TPM_TOKEN_DIR", world->directory, 1), 0);
}

static void a_removed_token_is_gone_and_may_come_back(void **state)
{
    const struct world *world = *state;
    char current[256], aside[256];
    world_make_token(*state, "--type ec");
    snprintf(current, sizeof current, "%s/current", world->directory);
    snprintf(aside, sizeof aside, "%s/aside", world->directory);
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    EVP_PKEY *public_key = token_public_key(session);
    assert_int_equal(rename(current, aside), 0);
    assert_int_equal(slots_with_token(), 0);
    assert_int_equal(count_objects(session, NULL, 0), 0);
    assert_true(signs_for(session, key, public_key));
    assert_int_equal(rename(aside, current), 0);
    assert_int_equal(slots_with_token(), 1);
    assert_int_equal(count_objects(session, NULL, 0), 5);
    EVP_PKEY_free(public_key);
    finalize();
}

static void shell(const struct world *world, const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd \"%s\" && %s", world->directory, command);
    assert_int_equal(system(line), 0);
}

/* Each breaks the one generation there is; none may be shown, crash or hang. */
static void a_broken_generation_is_not_recognized(void **state)
{
    static const char *const breakages[] = {
        "rm current/token.conf",
        "rm current/device.crt",
        "rm current/chain.crt",
        ": > current/token.conf",
        "head -c 65536 /dev/urandom > current/token.conf",
        "head -c 700000 /dev/zero > current/token.conf",
        "rm current/token.conf && mkfifo current/token.conf",
        "rm current/token.conf && mkdir current/token.conf",
        "sed -i '/^public =/d' current/token.conf",
        "sed -i 's/^format = 1/format = 2/' current/token.conf",
        "sed -i 's/^label = .*/label = 0123456789012345678901234567890123456789/' current/token.conf",
        "sed -i 's/^subject = ..../subject = !!!/' current/token.conf",
        "cat current/chain.crt >> current/device.crt",
        "cp current/chain.crt current/device.crt",
        "sed -i 2d current/device.crt",
        "tr -d '\\n' < current/device.crt > x && mv x current/device.crt",
        "ln -sfn ../.. current",
        "ln -sfn current current",
        "ln -sfn generations/77 current",
        "ln -sfn generations/2/../2 current",
    };
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;
    initialize();
    for (size_t i = 0; i < sizeof breakages / sizeof breakages[0]; i++) {
        world_make_token(*state, "--type ec");
        assert_int_equal(slots_with_token(), 1);
        /* a new directory, as nobody writes into a generation: only then the module looks again */
        shell(*state, "cp -r generations/1 generations/2 && ln -sfn generations/2 current");
        shell(*state, breakages[i]);
        if (slots_with_token() != 0)
            fail_msg("still there after: %s", breakages[i]);
        CK_RV rv = p11->C_GetTokenInfo(0, &info);
        assert_true(rv == CKR_TOKEN_NOT_RECOGNIZED || rv == CKR_TOKEN_NOT_PRESENT);
        assert_rv(rv, p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session));
        world_remove_token(*state);
    }
    finalize();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_a_token_there_is_one_empty_slot, remove_token),
        cmocka_unit_test_teardown(a_token_appears_in_a_running_application, remove_token),
        cmocka_unit_test_teardown(a_pending_enrolment_shows_its_keys_only, remove_token),
        cmocka_unit_test_teardown(a_renewed_certificate_appears_and_the_old_key_stays, remove_token),
        cmocka_unit_test_teardown(a_signature_that_was_begun_ends_with_its_key, remove_token),
        cmocka_unit_test_teardown(a_generation_that_only_looks_new_is_the_same, remove_token),
        cmocka_unit_test_teardown(the_environment_is_read_once, remove_token),
        cmocka_unit_test_teardown(a_removed_token_is_gone_and_may_come_back, remove_token),
        cmocka_unit_test_teardown(a_broken_generation_is_not_recognized, remove_token),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
