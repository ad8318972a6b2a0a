// Reasons come from the gateway, and a gateway may say anything: what is not one short word is not a label.

/** 48: above Apple's longest reason (30) and OpenSSL's longest code (42), below a device token (64 digits). */
const wordMax = 48;

export function reasonLabel(reason: string): string {
  return reason.length <= wordMax && /^\w[\w.-]*$/.test(reason) ? reason : 'other';
}
