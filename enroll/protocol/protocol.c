#include "protocol.h"

#include <string.h>

#define PROTOCOL_OF_OLD_RECORDS "mde2" /* they do not name one */

const struct protocol *protocol_find(const char *name)
{
    for (size_t i = 0; protocols[i] != NULL; i++)
        if (strcmp(protocols[i]->name, name) == 0)
            return protocols[i];
    return NULL;
}

const struct protocol *protocol_of(const struct record *record)
{
    const char *name = record_get(record, RECORD_PROTOCOL);
    return protocol_find(name != NULL ? name : PROTOCOL_OF_OLD_RECORDS);
}

/* Whether a protocol before this one, or this one before that index, has the same setting. */
static bool setting_seen(size_t protocol, size_t index)
{
    const struct setting *setting = protocols[protocol]->settings[index];
    for (size_t i = 0; i <= protocol; i++)
        for (size_t j = 0; (i < protocol || j < index) && protocols[i]->settings[j] != NULL; j++)
            if (protocols[i]->settings[j] == setting)
                return true;
    return false;
}

const struct setting *protocol_setting_at(size_t index)
{
    size_t at = 0;
    for (size_t i = 0; protocols[i] != NULL; i++)
        for (size_t j = 0; protocols[i]->settings[j] != NULL; j++)
            if (!setting_seen(i, j) && at++ == index)
                return protocols[i]->settings[j];
    return NULL;
}

size_t protocol_step_count(const struct protocol *protocol)
{
    size_t count = 0;
    while (protocol != NULL && count < PROTOCOL_STEPS_MAX && protocol->steps[count].name != NULL)
        count++;
    return count;
}

const char *protocol_step_title(const struct protocol *protocol, unsigned step)
{
    if (step == STEP_PREPARE)
        return "Getting ready";
    if (step == STEP_INSTALL)
        return "Installing the token";
    return step <= protocol_step_count(protocol) ? protocol->steps[step - 1].title : "";
}

const char *protocol_step_name(const struct protocol *protocol, unsigned step)
{
    if (step == STEP_PREPARE)
        return "prepare";
    if (step == STEP_INSTALL)
        return "install";
    return step <= protocol_step_count(protocol) ? protocol->steps[step - 1].name : "";
}

void protocol_answer_clear(struct protocol_answer *answer)
{
    received_certificates_clear(&answer->received);
    certificate_requirements_free(&answer->requirements);
    answer->pending = false;
}
