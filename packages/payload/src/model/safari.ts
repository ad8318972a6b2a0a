// Notifications of websites in Safari before Web Push (Apple archive, Notification Programming Guide for Websites).

import { wireAps } from './aps.ts';
import type { Notification } from './notification.ts';

export interface SafariOptions {
  /** `web.com.example.news`, which is the topic. */
  readonly websitePushId: string;
  readonly title: string;
  readonly body: string;
  /** Label of the button. */
  readonly action?: string;
  /** One for each place in the site's `urlFormatString`; empty when it has none, and never left out. */
  readonly urlArgs: readonly string[];
}

export function safari({ websitePushId, title, body, action, urlArgs }: SafariOptions): Notification {
  const alert = action === undefined ? { title, body } : { title, body, action };
  return { pushType: 'alert', topic: websitePushId, payload: { aps: wireAps({ alert, urlArgs }) } };
}
