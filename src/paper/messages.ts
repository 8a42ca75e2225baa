/** Refusals in the account's language: on the venue only the code is dependable, never the text. */
import type { Refusal } from './records.ts';

type Language = 'en' | 'pt' | 'zh';

const translated: Readonly<Record<Exclude<Language, 'en'>, Readonly<Record<number, string>>>> = {
  pt: {
    10001: 'Erro nos parâmetros da requisição',
    10002: 'Requisição inválida, verifique o horário do servidor ou o parâmetro recv_window.',
    10003: 'A chave de API é inválida.',
    10005: 'Permissão negada, verifique as permissões da sua chave de API.',
    10006: 'Muitas visitas!',
    33004: 'Sua chave de API expirou.',
    34040: 'não modificado',
    110017: 'A posição atual é zero, não é possível corrigir a quantidade da ordem de redução',
    110072: 'OrderLinkedID duplicado',
  },
  zh: {
    10001: '请求参数错误',
    10002: '请求时间超出时间窗口范围',
    10003: 'API密钥无效',
    10005: '权限不足，请检查您的API密钥权限',
    10006: '访问次数过多',
    33004: '您的API密钥已过期',
    34040: '未修改',
    110017: '当前仓位为零，无法修正只减仓订单数量',
    110072: 'OrderLinkedID重复',
  },
};

/** What follows the first colon of these holds facts that clients look for, so it stays as it is. */
const factsOf = /(?:[A-Za-z]*(?:StopLoss|TakeProfit|sl|tp):\d+.*|req_timestamp\[.*)$/;

/** The text of a refusal in the account's language. */
export function messageOf(refusal: Refusal, language: Language): string {
  if (language === 'en') return refusal.message;
  const text = translated[language][refusal.retCode];
  if (text === undefined) return refusal.message;
  const facts = factsOf.exec(refusal.message)?.[0];
  return facts === undefined ? text : `${text}: ${facts}`;
}
