import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  Paper,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { patchProgramsByProgramId } from '../../../client/sdk.gen.js';
import type { Program } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useCan } from '../../../kit/session.js';
import { TermWords } from './programVersions.js';

const approvals = ['manual', 'automatic'] as const;
const visibilities = ['anonymous', 'name_only', 'full'] as const;
const paidAdTerms = ['allowed', 'forbidden'] as const;
const models = ['none', 'cpl', 'cpa'] as const;

function save(program: Program, body: Readonly<Record<string, unknown>>) {
  return patchProgramsByProgramId({
    path: { programId: program.id },
    body: body as never, // fields by name, as the form has them; the API judges each
    headers: { 'If-Match': `"${program.version}"` } as never,
    throwOnError: true,
  });
}

/** Days of `P30D`; undefined where the duration is not of whole days and the form leaves it alone. */
function daysOf(duration: string): number | undefined {
  const days = /^P(\d+)D$/.exec(duration)?.[1];
  return days === undefined ? undefined : Number(days);
}

/** Changes a program's own terms, now or from an instant on; what was before keeps the version it had (PRG-17). */
export function TermsForm({
  program,
  onClose,
}: {
  readonly program: Program;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [hold, setHold] = useState(daysOf(program.commissionHold));
  const [window, setWindow] = useState(daysOf(program.attributionWindow));
  const [levels, setLevels] = useState<number | undefined>(program.levels);
  const [referralApproval, setReferralApproval] = useState<string>(program.referralApproval);
  const [commissionApproval, setCommissionApproval] = useState<string>(program.commissionApproval);
  const [model, setModel] = useState<string>(program.acquisitionModel ?? 'none');
  const [customerVisibility, setVisibility] = useState<string>(program.customerVisibility);
  const [showDeclinedCharges, setDeclined] = useState(program.showDeclinedCharges);
  const [showPurchaseHistory, setHistory] = useState(program.showPurchaseHistory);
  const [paidAds, setPaidAds] = useState<string>(program.paidAds);
  const [brandTerms, setBrandTerms] = useState(program.brandTerms.join('\n'));
  const [from, setFrom] = useState('');
  const wanted = {
    commissionHold: hold === undefined ? program.commissionHold : `P${hold}D`,
    attributionWindow: window === undefined ? program.attributionWindow : `P${window}D`,
    levels: levels ?? program.levels,
    referralApproval,
    commissionApproval,
    acquisitionModel: model === 'none' ? null : model,
    customerVisibility,
    showDeclinedCharges,
    showPurchaseHistory,
    paidAds,
    brandTerms: brandTerms.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])),
  };
  const body: Readonly<Record<string, unknown>> = Object.fromEntries(
    Object.entries(wanted).filter(
      ([name, value]) => JSON.stringify(program[name as keyof Program]) !== JSON.stringify(value),
    ),
  );
  const choices = approvals.map((value) => ({ value, label: t(`program.approval.${value}`) }));
  const number = (set: (next: number | undefined) => void) => (next: number | string) =>
    set(typeof next === 'number' ? next : undefined);
  return (
    <FormDialog
      title={t('program.changeTerms')}
      submit={t(from === '' ? 'program.changeNow' : 'program.changeLater')}
      isReady={Object.keys(body).length > 0}
      save={() => save(program, { ...body, ...(from === '' ? {} : { effectiveFrom: new Date(from).toISOString() }) })}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <NumberInput
            label={t('program.holdDays')}
            min={0}
            value={hold ?? ''}
            error={errors['commissionHold']}
            onChange={number(setHold)}
          />
          <NumberInput
            label={t('program.windowDays')}
            min={1}
            value={window ?? ''}
            error={errors['attributionWindow']}
            onChange={number(setWindow)}
          />
          <NumberInput
            label={t('program.levels')}
            min={1}
            max={10}
            value={levels ?? ''}
            error={errors['levels']}
            onChange={number(setLevels)}
          />
          <NativeSelect
            label={t('program.referralGate')}
            value={referralApproval}
            data={choices}
            onChange={(event) => setReferralApproval(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('program.commissionGate')}
            value={commissionApproval}
            data={choices}
            onChange={(event) => setCommissionApproval(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('program.model')}
            value={model}
            data={models.map((value) => ({ value, label: t(`program.model.${value}`) }))}
            onChange={(event) => setModel(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('program.visibility')}
            value={customerVisibility}
            data={visibilities.map((value) => ({ value, label: t(`program.visibility.${value}`) }))}
            onChange={(event) => setVisibility(event.currentTarget.value)}
          />
          <Checkbox
            label={t('program.showDeclined')}
            checked={showDeclinedCharges}
            onChange={(event) => setDeclined(event.currentTarget.checked)}
          />
          <Checkbox
            label={t('program.showHistory')}
            checked={showPurchaseHistory}
            onChange={(event) => setHistory(event.currentTarget.checked)}
          />
          <NativeSelect
            label={t('program.paidAds')}
            value={paidAds}
            data={paidAdTerms.map((value) => ({ value, label: t(`program.paidAds.${value}`) }))}
            error={errors['paidAds']}
            onChange={(event) => setPaidAds(event.currentTarget.value)}
          />
          <Textarea
            label={t('program.brandTerms')}
            description={t('program.brandTermsHint')}
            autosize
            minRows={2}
            value={brandTerms}
            error={errors['brandTerms']}
            onChange={(event) => setBrandTerms(event.currentTarget.value)}
          />
          <TextInput
            label={t('program.effectiveFrom')}
            description={t('program.effectiveFromHint')}
            type="datetime-local"
            value={from}
            error={errors['effectiveFrom']}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** What is going to change in a program, with a way to take each back. */
export function PlannedTerms({ program }: { readonly program: Program }): ReactElement | null {
  const { t } = useTranslation();
  const mayWrite = useCan()('program.write') && program.status !== 'closed';
  const [isChanging, setChanging] = useState(false);
  const [leaving, setLeaving] = useState<string | null>(null);
  if (!mayWrite && program.scheduled.length === 0) return null;
  return (
    <Paper withBorder p="md" mt="sm" component="section" aria-label={t('program.planned')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('program.planned')}
          </Title>
          {mayWrite ? (
            <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
              {t('program.changeTerms')}
            </Button>
          ) : null}
        </Group>
        {program.scheduled.length === 0 ? <Text size="sm">{t('program.nonePlanned')}</Text> : null}
        {program.scheduled.map(({ effectiveFrom, after }) => (
          <Group key={effectiveFrom} justify="space-between">
            <Text size="sm">
              {t('program.from')} <DateText value={effectiveFrom} />
              {Object.entries(after).map(([field, value], index) => (
                <span key={field}>
                  {index === 0 ? ': ' : ', '}
                  <TermWords field={field} value={value} />
                </span>
              ))}
            </Text>
            {mayWrite ? (
              <Button size="compact-sm" variant="default" onClick={() => setLeaving(effectiveFrom)}>
                {t('program.takeBack')}
              </Button>
            ) : null}
          </Group>
        ))}
      </Stack>
      {isChanging ? <TermsForm program={program} onClose={() => setChanging(false)} /> : null}
      {leaving === null ? null : (
        <FormDialog
          title={t('program.takeBack')}
          submit={t('program.takeBack')}
          save={() => save(program, { effectiveFrom: leaving })}
          onClose={() => setLeaving(null)}
        >
          {() => <Text size="sm">{t('program.takeBackText')}</Text>}
        </FormDialog>
      )}
    </Paper>
  );
}
