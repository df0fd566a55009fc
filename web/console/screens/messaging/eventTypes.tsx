import { Accordion, Code, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getEventTypesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';

/** Developers → Events: the catalogue, with JSON samples (screens.md 3.21). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const [word, setWord] = useState('');
  const query = useQuery(getEventTypesOptions());
  return (
    <>
      <PageHead title={t('eventType.title')} text={t('eventType.text')} />
      <TextInput
        label={t('eventType.search')}
        value={word}
        onChange={(event) => setWord(event.currentTarget.value)}
        maw={320}
        mb="md"
      />
      <Loaded query={query} lines={8}>
        {({ data }) => (
          <Accordion variant="separated" order={2}>
            {data
              .filter(({ type }) => type.includes(word.trim().toLowerCase()))
              .map(({ type, sample }) => (
                <Accordion.Item key={type} value={type}>
                  <Accordion.Control>{type}</Accordion.Control>
                  <Accordion.Panel>
                    <Code block data-sample={type}>
                      {JSON.stringify(sample, null, 2)}
                    </Code>
                  </Accordion.Panel>
                </Accordion.Item>
              ))}
          </Accordion>
        )}
      </Loaded>
    </>
  );
}
