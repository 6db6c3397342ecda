#include "answer.h"

#include <stdlib.h>
#include <string.h>

#define MEGABYTES (16 * 1024 * 1024)
#define NESTED    100000

#define CONTENT_JSON    "application/json; charset=utf-8"
#define CONTENT_PROBLEM "application/problem+json; charset=utf-8"
#define CONTENT_PAGE    "text/html"

static struct json_object *string_make(const char *text)
{
    return json_object_new_string(text);
}

static void body_set(struct answer *answer, const char *content_type, struct json_object *object)
{
    text_clear(&answer->body);
    text_append(&answer->body, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    answer->content_type = content_type;
    json_object_put(object);
}

void answer_json_set(struct answer *answer, struct json_object *object)
{
    answer->status = 200;
    body_set(answer, CONTENT_JSON, object);
}

void answer_problem_set(struct answer *answer, unsigned status, const char *field, const char *text)
{
    struct json_object *problem = json_object_new_object();
    struct json_object *errors = json_object_new_object();
    struct json_object *texts = json_object_new_array();
    char activity[ID_SIZE];
    char trace[33];
    text_random_uuid(activity);
    text_random_hex(16, trace);
    json_object_array_add(texts, string_make(text));
    json_object_object_add(errors, field, texts);
    json_object_object_add(problem, "type",
                           string_make("https://tools.ietf.org/html/rfc9110#section-15.5.1"));
    json_object_object_add(problem, "title", string_make("One or more validation errors occurred."));
    json_object_object_add(problem, "status", json_object_new_int((int)status));
    json_object_object_add(problem, "errors", errors);
    json_object_object_add(problem, "traceId", string_make(trace));
    json_object_object_add(problem, "activityId", string_make(activity));
    answer->status = status;
    body_set(answer, CONTENT_PROBLEM, problem);
    (void)snprintf(answer->outcome, sizeof(answer->outcome), "%s: %s", field, text);
}

void answer_message_set(struct answer *answer, unsigned status, const char *code, const char *text)
{
    struct json_object *message = json_object_new_object();
    json_object_object_add(message, "ErrorCode", string_make(code));
    json_object_object_add(message, "StatusCode", json_object_new_int((int)status));
    json_object_object_add(message, "Message", string_make(text));
    json_object_object_add(message, "MessageLanguage", string_make("en-US"));
    json_object_object_add(message, "IsMessageCustomerSafe", json_object_new_boolean(true));
    json_object_object_add(message, "RetryAfter",
                           answer->retry_after != 0 ? json_object_new_int((int)answer->retry_after) : NULL);
    answer->status = status;
    body_set(answer, CONTENT_JSON, message);
    (void)snprintf(answer->outcome, sizeof(answer->outcome), "%s: %s", code, text);
}

void answer_empty_set(struct answer *answer, unsigned status, const char *why)
{
    text_clear(&answer->body);
    answer->content_type = NULL;
    answer->status = status;
    (void)snprintf(answer->outcome, sizeof(answer->outcome), "%s", why);
}

static void page_set(struct answer *answer, unsigned status)
{
    answer_empty_set(answer, status, "an HTML page");
    text_append(&answer->body, "<html><body><h1>Our services aren't available right now</h1></body></html>");
    answer->content_type = CONTENT_PAGE;
}

static unsigned status_or(const struct departure *departure, unsigned fallback)
{
    return departure->status != 0 ? departure->status : fallback;
}

bool answer_error_apply(struct service *service, struct answer *answer)
{
    const struct departure *error = behaviour_take(&service->behaviour, "error", answer->step);
    if (error == NULL)
        return false;
    answer->retry_after = error->seconds;
    if (strcmp(error->value, "problem") == 0)
        answer_problem_set(answer, status_or(error, 400), "Device", "the device is not allowed here");
    else if (strcmp(error->value, "message") == 0)
        answer_message_set(answer, status_or(error, 500), "InternalError",
                           "An internal server error has occurred");
    else if (strcmp(error->value, "control") == 0)
        answer_problem_set(answer, status_or(error, 400), "Device", "\x1b[2J\x1b[31mowned\nAll is well");
    else if (strcmp(error->value, "page") == 0)
        page_set(answer, status_or(error, 503));
    else
        answer_empty_set(answer, status_or(error, 403), "an empty error");
    return true;
}

static struct json_object *other_type(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_new_int(42) : string_make("text");
}

/* The answer's object with every member replaced. */
static void members_replace(struct text *body, bool with_null)
{
    struct json_object *object = json_tokener_parse(body->data);
    struct json_object *out = json_object_new_object();
    struct json_object_iterator at = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        json_object_object_add(out, json_object_iter_peek_name(&at),
                               with_null ? NULL : other_type(json_object_iter_peek_value(&at)));
    text_clear(body);
    text_append(body, json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN));
    json_object_put(out);
    json_object_put(object);
}

static void members_duplicate(struct text *body)
{
    struct json_object *object = json_tokener_parse(body->data);
    struct text out = {0};
    text_bytes_append(&out, body->data, body->size - 1);
    struct json_object_iterator at = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        struct json_object *other = other_type(json_object_iter_peek_value(&at));
        text_format(&out, ",\"%s\":%s", json_object_iter_peek_name(&at), json_object_to_json_string(other));
        json_object_put(other);
    }
    text_append(&out, "}");
    text_clear(body);
    *body = out;
    json_object_put(object);
}

static void nested_write(struct text *body)
{
    text_clear(body);
    text_append(body, "{\"value\":");
    for (unsigned i = 0; i < NESTED; i++)
        text_append(body, "[");
    for (unsigned i = 0; i < NESTED; i++)
        text_append(body, "]");
    text_append(body, "}");
}

static void megabytes_write(struct text *body)
{
    static const char filling[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    text_replace(body, body->size - 1, 1, ",\"padding\":\"");
    while (body->size < MEGABYTES)
        text_append(body, filling);
    text_append(body, "\"}");
}

void answer_attack_apply(struct service *service, struct answer *answer)
{
    if (answer->status != 200 || answer->body.size < 2)
        return;
    const struct departure *attack = behaviour_take(&service->behaviour, "attack", answer->step);
    const char *value = attack != NULL ? attack->value : "";
    struct text *body = &answer->body;
    if (strcmp(value, "megabytes") == 0) {
        megabytes_write(body);
    } else if (strcmp(value, "nested") == 0) {
        nested_write(body);
    } else if (strcmp(value, "duplicate-keys") == 0) {
        members_duplicate(body);
    } else if (strcmp(value, "wrong-types") == 0 || strcmp(value, "null") == 0) {
        members_replace(body, strcmp(value, "null") == 0);
    } else if (strcmp(value, "array") == 0) {
        text_replace(body, 0, 0, "[");
        text_append(body, "]");
    } else if (strcmp(value, "truncated") == 0) {
        text_replace(body, body->size / 2, body->size - body->size / 2, "");
    } else if (strcmp(value, "trailing") == 0) {
        text_append(body, "{\"deviceId\":\"another\"}");
    } else if (strcmp(value, "not-json") == 0) {
        page_set(answer, 200);
    } else if (strcmp(value, "nothing") == 0) {
        text_clear(body);
    } else {
        return;
    }
    (void)snprintf(answer->outcome, sizeof(answer->outcome), "attack: %s", value);
}
