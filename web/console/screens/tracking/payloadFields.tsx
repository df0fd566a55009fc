import { Box, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { humanize } from '../../../kit/StatusPill.js';

/** A sender may send any text; a line of a list stays one. */
const mostFields = 12;
const mostCharacters = 120;

interface Sent {
  readonly name: string;
  readonly value: string | number | boolean;
}

/** Every field that says something, nested ones by the way to them; what is empty is left out. */
function fieldsOf(value: unknown, path: readonly string[] = []): readonly Sent[] {
  if (value === null || value === undefined || value === '') return [];
  if (typeof value === 'object')
    return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, [...path, name]));
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return [];
  return [{ name: path.join('.'), value }];
}

/** What a sender sent, field by field; the API has masked what is personal (screens.md 3.14). */
export function PayloadFields({ payload }: { readonly payload: unknown }): ReactElement {
  const { t } = useTranslation();
  const fields = fieldsOf(payload);
  if (fields.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t('payload.none')}
      </Text>
    );
  // A field of the workspace's own goes by its own name: it is what the sender knows it by.
  const nameOf = (name: string): string =>
    name.startsWith('customFields.')
      ? name.slice('customFields.'.length)
      : t(`payload.${name}`, { defaultValue: humanize(name) });
  const textOf = ({ name, value }: Sent): string => {
    if (name === 'botCheck') return t(`payload.botCheck.${String(value)}`, { defaultValue: humanize(String(value)) });
    if (typeof value === 'boolean') return t(value ? 'payload.yes' : 'payload.no');
    const text = String(value);
    return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
  };
  return (
    <>
      <Box component="dl" m={0} data-payload>
        {fields.slice(0, mostFields).map((sent) => (
          <div key={sent.name}>
            <Text component="dt" size="sm" c="dimmed" display="inline">
              {nameOf(sent.name)}:
            </Text>{' '}
            <Text component="dd" size="sm" m={0} display="inline" style={{ overflowWrap: 'anywhere' }}>
              {textOf(sent)}
            </Text>
          </div>
        ))}
      </Box>
      {fields.length > mostFields ? (
        <Text size="sm" c="dimmed">
          {t('payload.more', { count: fields.length - mostFields })}
        </Text>
      ) : null}
    </>
  );
}
