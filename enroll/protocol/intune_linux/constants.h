/*
 * What Intune's service for Linux devices is known by. There is no document of Microsoft's: the source is the
 * public specification "Intune for Linux" 0.05 (himmelblau project) and that project's client. The values of
 * settings.c stand in their place where an administrator says so.
 */
#ifndef ENROLL_INTUNE_LINUX_CONSTANTS_H
#define ENROLL_INTUNE_LINUX_CONSTANTS_H

#define INTUNE_CLIENT_VERSION "1.2511.11" /* of Microsoft's package, January 2026 */
#define INTUNE_APPLICATION_ID "b743a22d-6705-4147-8670-d92fa515ee2b" /* Company Portal for Linux */
#define INTUNE_GRAPH_URL      "https://graph.microsoft.com"
#define INTUNE_SERVICE_HOST   "manage.microsoft.com" /* the services are below it */

/* Audiences of the tokens. */
#define AUDIENCE_GRAPH      "00000003-0000-0000-c000-000000000000"
#define AUDIENCE_ENROLLMENT "d4ebce55-015a-49b5-a083-c84d1797ae8c"
#define AUDIENCE_INTUNE     "0000000a-0000-0000-c000-000000000000" /* details, policies, status */
#define AUDIENCE_IWSERVICE  "b8066b99-6e67-41be-abfa-75db1a2c8809" /* compliance, retire */

#define PATH_ENDPOINTS "/v1.0/servicePrincipals/appId=" AUDIENCE_INTUNE "/endpoints"

/* providerName of the services among the endpoints. */
#define SERVICE_ENROLLMENT "LinuxEnrollmentService"
#define SERVICE_CHECK_IN   "LinuxDeviceCheckinService"
#define SERVICE_IWSERVICE  "IWService"

#endif
