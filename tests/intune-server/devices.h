/* The devices that are enrolled: a JSON file for each in the server's directory, so that a restart still
 * knows them. */
#ifndef INTUNE_SERVER_DEVICES_H
#define INTUNE_SERVER_DEVICES_H

#include "service.h"

/*
 * The record of a new device, or of the one that this registered device has already unless another is
 * demanded; its Intune id goes to ret_id. False when it cannot be written.
 */
bool device_enroll(const struct service *service, const char *registered, const char *name, bool another,
                   char ret_id[ID_SIZE]);

/* The record with that id, if it is the registered device's own; NULL for none. The caller frees it. */
struct json_object *device_read(const struct service *service, const char *id, const char *registered);
bool device_write(const struct service *service, const char *id, struct json_object *record);
void device_remove(const struct service *service, const char *id);

#endif
