import { List, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsByProgramIdVersionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DurationText } from '../../../kit/DurationText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { humanize } from '../../../kit/StatusPill.js';
import { type Threshold, thresholdText } from './thresholds.js';

type Show = (value: string, t: TFunction) => ReactNode;

/** A term under the name and in the words that the program's own page has for it. */
const terms: Readonly<Record<string, { readonly name: string; readonly show?: Show }>> = {
  name: { name: 'program.name' },
  currency: { name: 'program.currency' },
  timeZone: { name: 'program.zone' },
  landingUrl: { name: 'program.landing' },
  destinationHosts: { name: 'program.hosts' },
  enrolment: { name: 'program.enrolment', show: (value, t) => t(`program.enrolment.${value}`) },
  referralApproval: { name: 'program.referralGate', show: (value, t) => t(`program.approval.${value}`) },
  commissionApproval: { name: 'program.commissionGate', show: (value, t) => t(`program.approval.${value}`) },
  commissionHold: { name: 'program.hold', show: (value) => <DurationText value={value} /> },
  attributionWindow: { name: 'program.window', show: (value) => <DurationText value={value} /> },
  referralLifetime: { name: 'program.lifetime', show: (value) => <DurationText value={value} /> },
  referrerChoice: { name: 'program.choice', show: (value, t) => t(`credit.choice.${value}`) },
  requiredChecks: { name: 'program.checks', show: (value, t) => t(`check.${value}`) },
  levels: { name: 'program.levels' },
  acquisitionModel: { name: 'program.model', show: (value, t) => t(`program.model.${value}`) },
  customerVisibility: { name: 'program.visibility', show: (value, t) => t(`program.visibility.${value}`) },
  showDeclinedCharges: { name: 'program.showDeclined' },
  showPurchaseHistory: { name: 'program.showHistory' },
  reviewAbove: { name: 'program.reviewAbove' },
  paidAds: { name: 'program.paidAds', show: (value, t) => t(`program.paidAds.${value}`) },
  brandTerms: { name: 'program.brandTerms' },
  thresholds: { name: 'standard.title' },
  status: { name: 'program.status', show: (value, t) => t(`status.${value}`) },
};

function isMoney(value: object): value is { readonly amount: string; readonly currency: string } {
  return 'amount' in value && 'currency' in value && Object.keys(value).length === 2;
}

function isThreshold(value: object): value is Threshold {
  return 'metric' in value && 'minimum' in value && 'period' in value;
}

/** A kept value in words: nobody who reads what changed reads JSON. */
function wordsOf(value: unknown, t: TFunction, show?: Show): ReactNode {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return show === undefined ? value : show(value, t);
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.length === 0
      ? '–'
      : items.map((one, index) => (
          <span key={JSON.stringify(one)}>
            {index === 0 ? '' : ', '}
            {wordsOf(one, t, show)}
          </span>
        ));
  }
  if (typeof value !== 'object') return '–';
  if (isMoney(value)) return <MoneyText value={value} />;
  if (isThreshold(value)) return thresholdText(value, t);
  return Object.entries(value).map(([field, part], index) => (
    <span key={field}>
      {index === 0 ? '' : '; '}
      {humanize(field)} {wordsOf(part, t)}
    </span>
  ));
}

/** A term by its name, and what it is or is going to be; null: what the settings say, where they say something. */
export function TermWords({ field, value }: { readonly field: string; readonly value: unknown }): ReactElement {
  const { t } = useTranslation();
  const term = terms[field];
  return (
    <>
      {term === undefined ? humanize(field) : t(term.name)}:{' '}
      {value === null ? t('program.inheritsAgain') : wordsOf(value, t, term?.show)}
    </>
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** What the program sets over the workspace's settings; what it does not is theirs. */
function ownTermsOf({ ownTerms }: Fields): Fields {
  return typeof ownTerms === 'object' && ownTerms !== null ? (ownTerms as Fields) : {};
}

/** The fields of one side of a change, its own terms among them. */
function fieldsOf(side: Fields): Fields {
  const { ownTerms: _terms, ...rest } = side;
  return { ...rest, ...ownTermsOf(side) };
}

interface Difference {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Left out, the workspace's setting counts. */
  readonly isOwnTerm: boolean;
}

/** What differs between two sides; of a first version, what it began with. */
function differences(before: Fields, after: Fields): readonly Difference[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  const own = { ...ownTermsOf(before), ...ownTermsOf(after) };
  return [...new Set([...Object.keys(is), ...Object.keys(was)])]
    .filter((field) => JSON.stringify(was[field]) !== JSON.stringify(is[field]))
    .map((field) => ({ field, before: was[field], after: is[field], isOwnTerm: field in own }));
}

/** What changed in a program, version by version, in plain words (screens.md 3.9: diff between versions). */
export function ProgramVersions({ programId }: { readonly programId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getProgramsByProgramIdVersionsOptions({ path: { programId }, query: { limit: 100 } }));
  return (
    <Loaded query={query}>
      {({ data }) => (
        <Stack gap="sm">
          {data.map((version) => (
            <Paper
              withBorder
              p="sm"
              key={version.id}
              component="section"
              aria-label={t('program.version', { version: version.version })}
            >
              <Text fw={500}>
                {t('program.version', { version: version.version })} ·{' '}
                {t(`event.${version.event}`, { defaultValue: humanize(version.event) })}
              </Text>
              <Text size="sm" c="dimmed">
                <DateText value={version.at} /> · {version.by.name ?? t(`actor.${version.by.type}`)}
              </Text>
              <List size="sm">
                {differences(version.before, version.after).map(({ field, before, after, isOwnTerm }) => {
                  const term = terms[field];
                  const said = (value: unknown): ReactNode =>
                    value === undefined && isOwnTerm ? t('program.unset') : wordsOf(value, t, term?.show);
                  return (
                    <List.Item key={field}>
                      {term === undefined ? humanize(field) : t(term.name)}:{' '}
                      {Object.keys(version.before).length === 0 ? null : <>{said(before)} → </>}
                      {said(after)}
                    </List.Item>
                  );
                })}
              </List>
            </Paper>
          ))}
        </Stack>
      )}
    </Loaded>
  );
}
