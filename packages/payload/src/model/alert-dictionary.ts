// The `alert` of `aps` with every key there is (Apple, Generating a remote notification, Table 2), and those of older
// systems that other senders still write. The builders of single push types take `Text` instead, so that arguments
// without a key cannot be written.

import { withWireNames, type WireNames } from './wire-names.ts';
import type { Text } from './text.ts';

export interface AlertDictionary {
  readonly title?: string;
  readonly subtitle?: string;
  readonly body?: string;
  readonly launchImage?: string;
  readonly titleLocKey?: string;
  readonly titleLocArgs?: readonly string[];
  readonly subtitleLocKey?: string;
  readonly subtitleLocArgs?: readonly string[];
  readonly locKey?: string;
  readonly locArgs?: readonly string[];
  /** Before iOS 10; null hid the button. */
  readonly actionLocKey?: string | null;
  /** Safari. */
  readonly action?: string;
  /** iOS 12 to 14. */
  readonly summaryArg?: string;
  readonly summaryArgCount?: number;
}

const names: WireNames<AlertDictionary> = {
  title: 'title',
  subtitle: 'subtitle',
  body: 'body',
  launchImage: 'launch-image',
  titleLocKey: 'title-loc-key',
  titleLocArgs: 'title-loc-args',
  subtitleLocKey: 'subtitle-loc-key',
  subtitleLocArgs: 'subtitle-loc-args',
  locKey: 'loc-key',
  locArgs: 'loc-args',
  actionLocKey: 'action-loc-key',
  action: 'action',
  summaryArg: 'summary-arg',
  summaryArgCount: 'summary-arg-count',
};

export function wireAlert(alert: string | AlertDictionary): string | Record<string, unknown> {
  return typeof alert === 'string' ? alert : withWireNames(alert, names);
}

/** What a person reads. */
export interface AlertTexts {
  readonly title?: Text;
  readonly subtitle?: Text;
  readonly body?: Text;
  /** File of the image or storyboard that the app launches with. */
  readonly launchImage?: string;
}

export function dictionaryOf({ title, subtitle, body, launchImage }: AlertTexts): AlertDictionary {
  return {
    ...(title === undefined
      ? {}
      : typeof title === 'string'
        ? { title }
        : withArgs('titleLocKey', 'titleLocArgs', title)),
    ...(subtitle === undefined
      ? {}
      : typeof subtitle === 'string'
        ? { subtitle }
        : withArgs('subtitleLocKey', 'subtitleLocArgs', subtitle)),
    ...(body === undefined ? {} : typeof body === 'string' ? { body } : withArgs('locKey', 'locArgs', body)),
    ...(launchImage === undefined ? {} : { launchImage }),
  };
}

function withArgs(keyName: string, argsName: string, { key, args }: Exclude<Text, string>): object {
  return args === undefined ? { [keyName]: key } : { [keyName]: key, [argsName]: args };
}
