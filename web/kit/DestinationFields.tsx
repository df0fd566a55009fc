import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

const destinationTypes = ['landing', 'registration', 'product'] as const;
export type DestinationType = (typeof destinationTypes)[number];

/** Where a new link leads: the kind of page and its address (LNK-03). */
export function DestinationFields({
  type,
  onType,
  url,
  onUrl,
  hint,
  placeholder,
  error,
}: {
  readonly type: DestinationType;
  readonly onType: (type: DestinationType) => void;
  readonly url: string;
  readonly onUrl: (url: string) => void;
  readonly hint?: string | undefined;
  readonly placeholder?: string | undefined;
  readonly error: string | undefined;
}): ReactElement {
  const { t } = useTranslation();
  const isLanding = type === 'landing';
  return (
    <>
      <NativeSelect
        label={t('destination.kind')}
        value={type}
        onChange={(event) => onType(event.currentTarget.value as DestinationType)}
        data={destinationTypes.map((value) => ({ value, label: t(`destination.kind.${value}`) }))}
      />
      <TextInput
        label={t('destination.url')}
        description={[isLanding ? t('destination.hint') : undefined, hint].filter(Boolean).join(' ') || undefined}
        type="url"
        required={!isLanding} // only the landing page stands in the program
        value={url}
        placeholder={isLanding ? placeholder : undefined}
        onChange={(event) => onUrl(event.currentTarget.value)}
        error={error}
      />
    </>
  );
}

/** What of them is sent: an empty address is the program's landing page. */
export function destinationOf(
  type: DestinationType,
  url: string,
): { destinationType: DestinationType; destinationUrl?: string } {
  return url.trim() === '' ? { destinationType: type } : { destinationType: type, destinationUrl: url.trim() };
}
