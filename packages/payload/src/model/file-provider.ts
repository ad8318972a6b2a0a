// `fileprovider`: something changed in a container of files (Apple, Using push notifications to signal changes).

import type { Notification } from './notification.ts';

export interface FileProviderChange {
  readonly containerIdentifier: string;
  readonly domain: string;
}

export function fileProvider({ containerIdentifier, domain }: FileProviderChange): Notification {
  return { pushType: 'fileprovider', payload: { 'container-identifier': containerIdentifier, domain } };
}
