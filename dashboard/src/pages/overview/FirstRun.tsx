import { Block } from "@/components/Json";
import { Panel } from "@/components/Page";
import { useTranslate } from "@/i18n/translate";

const PROGRAM = `from taskforge import TaskForge

app = TaskForge()

@app.task
def add(a: int, b: int) -> int:
    return a + b`;

export function FirstRun() {
  const t = useTranslate();
  return (
    <Panel title={t("first.title")}>
      <ol className="flex flex-col gap-4">
        <Step text={t("first.write")} code={PROGRAM} />
        <Step text={t("first.worker")} code="taskforge dev" />
        <Step text={t("first.run")} code="taskforge run add 2 3" />
      </ol>
    </Panel>
  );
}

function Step({ text, code }: { text: string; code: string }) {
  return (
    <li className="flex flex-col gap-1.5">
      <span>{text}</span>
      <Block text={code} />
    </li>
  );
}
