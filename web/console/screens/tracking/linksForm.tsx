import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate, Link, Program } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { UtmInputs, type UtmMarks, utmNames } from '../../../kit/UtmInputs.js';

const most = 200;

/** The page with the template's marks, filled in for one affiliate: the redirect keeps the query of a destination. */
function markedUrl(
  page: string,
  marks: UtmMarks,
  of: { readonly affiliate: Affiliate; readonly program: Program },
): string {
  const url = new URL(page);
  const fill = (text: string): string =>
    text
      // By functions: a name may hold `$&`, which a plain replacement would take for a pattern.
      .replaceAll('{affiliate}', () => of.affiliate.name)
      .replaceAll('{affiliate_id}', () => of.affiliate.id)
      .replaceAll('{program}', () => of.program.name);
  for (const name of utmNames) {
    const mark = (marks[name] ?? '').trim();
    if (mark !== '') url.searchParams.set(name, fill(mark));
  }
  return url.href;
}

/** One link for each of many affiliates to the same page, each with its own UTM by one template (screens.md 3.11). */
export function LinksForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [programId, setProgramId] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [page, setPage] = useState('');
  const [campaign, setCampaign] = useState('');
  const [marks, setMarks] = useState<UtmMarks>({});
  const [failed, setFailed] = useState<readonly Affiliate[]>([]);
  // What was made is not made again when the rest is tried once more.
  const made = useRef(new Set<string>());
  const programs = useQuery(getProgramsOptions({ query: { limit: most } }));
  const program = programs.data?.data.find((one) => one.id === programId) ?? programs.data?.data[0];
  const affiliates = useQuery({
    ...getAffiliatesOptions({ query: { programId: program?.id ?? '', status: ['approved'], limit: most } as never }),
    enabled: program !== undefined,
  });
  const listed = affiliates.data?.data ?? [];
  const target = page.trim() === '' ? (program?.landingUrl ?? '') : page.trim();
  const isPage = URL.canParse(target);
  const save = async (key: string): Promise<number> => {
    if (program === undefined) return 0;
    const refused: Affiliate[] = [];
    let first: unknown;
    for (const affiliate of listed.filter((one) => chosen.includes(one.id) && !made.current.has(one.id))) {
      const body = {
        affiliateId: affiliate.id,
        programId: program.id,
        kind: 'standard',
        destinationType: 'landing',
        destinationUrl: markedUrl(target, marks, { affiliate, program }),
        ...(campaign.trim() === '' ? {} : { campaign: campaign.trim() }),
      };
      try {
        // One after the other: a limit that is met stops nothing but the rest.
        await postPath<Link>('/v1/links', body, `${key}.${affiliate.id}`);
        made.current.add(affiliate.id);
      } catch (error) {
        first ??= error;
        refused.push(affiliate);
      }
    }
    setFailed(refused);
    if (first !== undefined) throw first;
    return made.current.size;
  };
  return (
    <FormDialog
      title={t('link.many')}
      size="lg"
      submit={t('link.createMany', { count: chosen.length })}
      save={save}
      onSaved={(count) => notifications.show({ message: t('link.madeMany', { count }), color: 'river' })}
      onClose={onClose}
      isReady={isPage && chosen.length > 0}
    >
      {(errors) => (
        <>
          <NativeSelect
            label={t('link.program')}
            value={program?.id ?? ''}
            onChange={(event) => {
              setProgramId(event.currentTarget.value);
              setChosen([]);
              made.current.clear();
            }}
            data={(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
          />
          <TextInput
            label={t('link.destination')}
            description={t('link.manyPageHint')}
            type="url"
            placeholder={program?.landingUrl ?? undefined}
            value={page}
            error={errors['destinationUrl']}
            onChange={(event) => setPage(event.currentTarget.value)}
          />
          <TextInput
            label={t('link.campaign')}
            value={campaign}
            error={errors['campaign']}
            onChange={(event) => setCampaign(event.currentTarget.value)}
          />
          <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
            <Text component="legend" size="sm" fw={500}>
              {t('link.utmTemplate')}
            </Text>
            <Text size="sm" c="dimmed">
              {t('link.utmTemplateHint')}
            </Text>
            <UtmInputs value={marks} onChange={setMarks} />
          </fieldset>
          <Checkbox.Group
            label={t('link.manyAffiliates')}
            description={listed.length === most ? t('link.manyFirst', { count: most }) : undefined}
            value={[...chosen]}
            onChange={setChosen}
          >
            <Group my="xs">
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => setChosen(chosen.length === listed.length ? [] : listed.map((one) => one.id))}
              >
                {t(chosen.length === listed.length ? 'link.chooseNone' : 'link.chooseAll')}
              </Button>
            </Group>
            <Stack gap={6} mah={240} style={{ overflowY: 'auto' }}>
              {listed.map((one) => (
                <Checkbox key={one.id} value={one.id} label={one.name} />
              ))}
            </Stack>
          </Checkbox.Group>
          {failed.length === 0 ? null : (
            <Text size="sm" role="status">
              {t('link.manyFailed', { names: failed.map((one) => one.name).join(', ') })}
            </Text>
          )}
        </>
      )}
    </FormDialog>
  );
}
