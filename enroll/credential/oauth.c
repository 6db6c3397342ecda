#include "oauth.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "secret.h"

#define SECONDS_MAX 86400

/* Version 1 endpoints write numbers as strings. */
static unsigned seconds_read(struct json_object *object, const char *name)
{
    struct json_object *value;
    int64_t seconds;

    if (!json_object_object_get_ex(object, name, &value) ||
        (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_string)))
        return 0;
    seconds = json_object_get_int64(value);
    return seconds < 0 ? 0 : seconds > SECONDS_MAX ? SECONDS_MAX : (unsigned)seconds;
}

bool oauth_answer_parse(const char *json, size_t size, struct oauth_answer *ret_answer)
{
    struct json_object *object = json_text_parse(json, size);

    if (object == NULL)
        return false;
    *ret_answer = (struct oauth_answer){
        .error = json_text_printable(object, "error"),
        .error_description = json_text_printable(object, "error_description"),
        .device_code = json_text_string(object, "device_code"),
        .user_code = json_text_printable(object, "user_code"),
        .verification_url = json_text_printable(object, "verification_uri"),
        .message = json_text_printable(object, "message"),
        .interval = seconds_read(object, "interval"),
        .expires_in = seconds_read(object, "expires_in"),
        .access_token = json_text_string(object, "access_token"),
    };
    if (ret_answer->verification_url == NULL)
        ret_answer->verification_url = json_text_printable(object, "verification_url");
    json_text_free(object);
    return true;
}

void oauth_answer_clear(struct oauth_answer *answer)
{
    free(answer->error);
    free(answer->error_description);
    secret_free(answer->device_code);
    free(answer->user_code);
    free(answer->verification_url);
    free(answer->message);
    secret_free(answer->access_token);
    *answer = (struct oauth_answer){0};
}
