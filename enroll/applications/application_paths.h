/* Configuration paths of applications, and their defaults. Private to this folder. */
#ifndef ENROLL_APPLICATIONS_PLACES_H
#define ENROLL_APPLICATIONS_PLACES_H

#define P11_KIT_ADMINISTRATOR "/etc/pkcs11/modules/intune-tpm.module"
#define P11_KIT_INSTALLED     INTUNE_P11_CONFIG_DIRECTORY "/intune-tpm.module"
#define FIREFOX_POLICIES      "/etc/firefox/policies/policies.json"
#define CHROMIUM_DIRECTORY    "/etc/chromium" /* of Debian's package */
#define CHROMIUM_PROGRAM      "/usr/bin/chromium"
#define CHROMIUM_MANAGED      CHROMIUM_DIRECTORY "/policies/managed"
#define CHROMIUM_POLICIES     CHROMIUM_MANAGED "/intune-tpm.json"
#define CHROME_POLICIES       "/etc/opt/chrome/policies/managed/intune-tpm.json"
#define CHROME_PROGRAM        "/opt/google/chrome"

#endif
