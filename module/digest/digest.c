#include "digest.h"

size_t digest_size(enum digest_algorithm algorithm)
{
    static const uint8_t sizes[] = {
        [DIGEST_NONE] = 0,
        [DIGEST_SHA1] = SHA_DIGEST_LENGTH,
        [DIGEST_SHA224] = SHA224_DIGEST_LENGTH,
        [DIGEST_SHA256] = SHA256_DIGEST_LENGTH,
        [DIGEST_SHA384] = SHA384_DIGEST_LENGTH,
        [DIGEST_SHA512] = SHA512_DIGEST_LENGTH,
    };
    return (size_t)algorithm < sizeof sizes ? sizes[algorithm] : 0;
}

void digest_init(struct digest *digest, enum digest_algorithm algorithm)
{
    digest->algorithm = algorithm;
    switch (algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_SHA1:
        SHA1_Init(&digest->state.sha1);
        break;
    case DIGEST_SHA224:
        SHA224_Init(&digest->state.sha256);
        break;
    case DIGEST_SHA256:
        SHA256_Init(&digest->state.sha256);
        break;
    case DIGEST_SHA384:
        SHA384_Init(&digest->state.sha512);
        break;
    case DIGEST_SHA512:
        SHA512_Init(&digest->state.sha512);
        break;
    }
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    switch (digest->algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_SHA1:
        SHA1_Update(&digest->state.sha1, data, size);
        break;
    case DIGEST_SHA224:
    case DIGEST_SHA256:
        SHA256_Update(&digest->state.sha256, data, size);
        break;
    case DIGEST_SHA384:
    case DIGEST_SHA512:
        SHA512_Update(&digest->state.sha512, data, size);
        break;
    }
}

void digest_final(struct digest *digest, uint8_t *ret_value)
{
    switch (digest->algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_SHA1:
        SHA1_Final(ret_value, &digest->state.sha1);
        break;
    case DIGEST_SHA224:
    case DIGEST_SHA256:
        SHA256_Final(ret_value, &digest->state.sha256);
        break;
    case DIGEST_SHA384:
    case DIGEST_SHA512:
        SHA512_Final(ret_value, &digest->state.sha512);
        break;
    }
    digest->algorithm = DIGEST_NONE;
}

void digest_compute(enum digest_algorithm algorithm, const void *data, size_t size, uint8_t *ret_value)
{
    struct digest digest;
    digest_init(&digest, algorithm);
    digest_update(&digest, data, size);
    digest_final(&digest, ret_value);
}
