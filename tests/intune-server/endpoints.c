/* Microsoft Graph's list of an application's service endpoints. */
#include <string.h>

#include "answer.h"

#define GATEWAY "/TrafficGateway/TrafficRoutingService/"

struct endpoint {
    const char *name;
    const char *path;
};

static const struct endpoint endpoints[] = {
    {"LinuxEnrollmentService", GATEWAY "LinuxMDM/LinuxEnrollmentService"},
    {"LinuxDeviceCheckinService", GATEWAY "LinuxMDM/LinuxDeviceCheckinService"},
    {"IWService", GATEWAY "IWService"},
    {"SomethingElse", GATEWAY "SomethingElse"},
};

static struct json_object *string_make(const char *text)
{
    return json_object_new_string(text);
}

static struct json_object *endpoint_make(const char *name, const char *uri, bool deleted)
{
    struct json_object *endpoint = json_object_new_object();
    char id[ID_SIZE];
    text_random_uuid(id);
    json_object_object_add(endpoint, "id", string_make(id));
    json_object_object_add(endpoint, "deletedDateTime", deleted ? string_make("2024-01-01T00:00:00Z") : NULL);
    json_object_object_add(endpoint, "capability", string_make(name));
    json_object_object_add(endpoint, "providerId", NULL);
    json_object_object_add(endpoint, "providerName", string_make(name));
    json_object_object_add(endpoint, "providerResourceId", NULL);
    json_object_object_add(endpoint, "uri", string_make(uri));
    return endpoint;
}

static void uri_write(const struct call *call, const char *path, struct text *out)
{
    const struct behaviour *behaviour = &call->service->behaviour;
    text_append(out, behaviour_is(behaviour, "services", "plain-http") ? "http://" : "https://");
    if (behaviour_is(behaviour, "services", "credentials"))
        text_append(out, "user:password@");
    text_append(out,
                behaviour_is(behaviour, "services", "foreign-host") ? "services.example.test" : call->host);
    const char *mdm = strstr(path, "LinuxMDM");
    if (mdm != NULL && behaviour_is(behaviour, "services", "mixed-case"))
        text_format(out, "%.*sLinuxMdm%s", (int)(mdm - path), path, mdm + strlen("LinuxMDM"));
    else
        text_append(out, path);
}

void endpoints_answer(const struct call *call, struct answer *answer)
{
    const struct behaviour *behaviour = &call->service->behaviour;
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (i == 0 && behaviour_is(behaviour, "services", "missing"))
            continue;
        if (behaviour_is(behaviour, "services", "replaced"))
            json_object_array_add(list,
                                  endpoint_make(endpoints[i].name, "https://deleted.example.test/", true));
        struct text uri = {0};
        uri_write(call, endpoints[i].path, &uri);
        json_object_array_add(
            list, endpoint_make(endpoints[i].name, uri.data, behaviour_is(behaviour, "services", "deleted")));
        text_clear(&uri);
    }
    struct json_object *body = json_object_new_object();
    json_object_object_add(
        body, "@odata.context",
        string_make("https://graph.microsoft.com/v1.0/$metadata#servicePrincipals/endpoints"));
    json_object_object_add(body, "value", list);
    answer_json_set(answer, body);
}
