#include "fhir/generator_catalog.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kWomen[] = {
    "Ana",     "Antônia", "Beatriz",   "Bruna",  "Camila",  "Cecília", "Cláudia", "Débora",
    "Eloá",    "Fátima",  "Flávia",    "Helena", "Inês",    "Jéssica", "Júlia",   "Larissa",
    "Letícia", "Lívia",   "Luíza",     "Márcia", "Maria",   "Mônica",  "Natália", "Patrícia",
    "Raíssa",  "Renata",  "Rosângela", "Sônia",  "Tatiane", "Thaís",   "Valéria", "Vitória"};
constexpr std::string_view kMen[] = {
    "Adriano", "André",   "Antônio", "Bruno",    "Caio",    "César",   "Cláudio", "Davi",
    "Diogo",   "Estêvão", "Fábio",   "Felipe",   "Flávio",  "Gabriel", "Gonçalo", "Heitor",
    "Inácio",  "João",    "José",    "Júlio",    "Leandro", "Lúcio",   "Luís",    "Marcelo",
    "Márcio",  "Mário",   "Otávio",  "Raimundo", "Rogério", "Sérgio",  "Tomás",   "Vinícius"};
constexpr std::string_view kFamilies[] = {
    "Almeida",   "Alves",      "Araújo",      "Assunção", "Barbosa",   "Cardoso", "Conceição",
    "Corrêa",    "Costa",      "Esteves",     "Falcão",   "Ferreira",  "França",  "Gonçalves",
    "Guimarães", "Leão",       "Lourenço",    "Machado",  "Magalhães", "Melo",    "Moreira",
    "Muniz",     "Nascimento", "Nóbrega",     "Oliveira", "Paixão",    "Pereira", "Quirós",
    "Ribeiro",   "Rocha",      "Sá",          "Santos",   "Silva",     "Simões",  "Souza",
    "Távora",    "Teixeira",   "Vasconcelos", "Vieira",   "Zanetti"};
constexpr std::string_view kStreets[] = {
    "Rua das Acácias",        "Avenida São João",  "Rua Sete de Setembro", "Travessa do Açúcar",
    "Avenida Getúlio Vargas", "Rua da Conceição",  "Alameda dos Ipês",     "Rua Quinze de Novembro",
    "Rua Marechal Deodoro",   "Avenida Brasília",  "Rua Tiradentes",       "Praça da República",
    "Rua Dom Pedro II",       "Avenida Beira-Mar", "Rua José Bonifácio",   "Rua Ouro Preto"};
constexpr std::string_view kDistricts[] = {
    "Centro",     "Jardim América", "Vila Nova", "São José",       "Boa Vista",  "Santo Antônio",
    "Bela Vista", "Praia do Canto", "Graças",    "Jardim Camburi", "Água Verde", "Consolação"};
constexpr std::string_view kClinics[] = {"Clínica Boa Saúde",
                                         "Instituto Sorriso",
                                         "Clínica Santa Inês",
                                         "Centro Médico São Lucas",
                                         "Odonto Ipê",
                                         "Clínica da Pele",
                                         "Espaço Bem-Estar",
                                         "Policlínica Esperança",
                                         "Clínica Vida & Saúde",
                                         "Centro de Estética Aurora",
                                         "Clínica Três Corações",
                                         "Instituto Visão"};
constexpr Place kPlaces[] = {{"São Paulo", "SP", "01310", "11", -23.550520, -46.633308},
                             {"Vitória", "ES", "29055", "27", -20.319450, -40.337870},
                             {"Belém", "PA", "66010", "91", -1.455833, -48.503889},
                             {"Brasília", "DF", "70040", "61", -15.793889, -47.882778},
                             {"Florianópolis", "SC", "88010", "48", -27.594870, -48.548220},
                             {"Goiânia", "GO", "74003", "62", -16.686891, -49.264794},
                             {"Maceió", "AL", "57020", "82", -9.647684, -35.733926},
                             {"São Luís", "MA", "65010", "98", -2.530731, -44.306778},
                             {"Ribeirão Preto", "SP", "14010", "16", -21.178333, -47.806667},
                             {"Niterói", "RJ", "24020", "21", -22.883333, -43.103611},
                             {"Uberlândia", "MG", "38400", "34", -18.918611, -48.277222},
                             {"Porto Alegre", "RS", "90010", "51", -30.033056, -51.230000}};
constexpr Measure kMeasures[] = {
    {"8302-2", "Body Height", "vital-signs", "cm", 140, 200},
    {"29463-7", "Body Weight", "vital-signs", "kg", 40, 130},
    {"39156-5", "Body Mass Index", "vital-signs", "kg/m2", 16, 45},
    {"8867-4", "Heart rate", "vital-signs", "/min", 50, 120},
    {"9279-1", "Respiratory rate", "vital-signs", "/min", 10, 25},
    {"8310-5", "Body temperature", "vital-signs", "Cel", 35.5, 39.5},
    {"2339-0", "Glucose [Mass/volume] in Blood", "laboratory", "mg/dL", 60, 220},
    {"6299-2", "Urea nitrogen [Mass/volume] in Blood", "laboratory", "mg/dL", 6, 30},
    {"38483-4", "Creatinine [Mass/volume] in Blood", "laboratory", "mg/dL", 0.4, 3.5},
    {"49765-1", "Calcium [Mass/volume] in Blood", "laboratory", "mg/dL", 8, 11},
    {"2947-0", "Sodium [Moles/volume] in Blood", "laboratory", "mmol/L", 130, 150},
    {"6298-4", "Potassium [Moles/volume] in Blood", "laboratory", "mmol/L", 3, 6},
    {"2069-3", "Chloride [Moles/volume] in Blood", "laboratory", "mmol/L", 95, 112},
    {"20565-8", "Carbon dioxide, total [Moles/volume] in Blood", "laboratory", "mmol/L", 18, 32},
    {"2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "laboratory", "mg/dL", 120, 320},
    {"2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "laboratory", "mg/dL", 50, 400},
    {"2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "laboratory", "mg/dL", 25,
     90},
    {"4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "laboratory", "%", 4, 12},
    {"718-7", "Hemoglobin [Mass/volume] in Blood", "laboratory", "g/dL", 9, 18},
    {"777-3", "Platelets [#/volume] in Blood by Automated count", "laboratory", "10*3/uL", 120,
     450}};
constexpr Concept kConditions[] = {
    {"38341003", "Hipertensão arterial"},
    {"44054006", "Diabetes mellitus tipo 2"},
    {"195662009", "Faringite viral aguda"},
    {"10509002", "Bronquite aguda"},
    {"444814009", "Sinusite viral"},
    {"36971009", "Sinusite"},
    {"80967001", "Cárie dentária"},
    {"66383009", "Gengivite"},
    {"88805009", "Acne vulgar"},
    {"43116000", "Eczema"},
    {"37796009", "Enxaqueca"},
    {"271737000", "Anemia"},
    {"162864005", "Obesidade (índice de massa corporal acima de 30)"},
    {"15777000", "Pré-diabetes"},
    {"55822004", "Hiperlipidemia"},
    {"40055000", "Sinusite crônica"}};
constexpr Concept kProcedures[] = {{"430193006", "Reconciliação medicamentosa"},
                                   {"428191000124101", "Registro dos medicamentos em uso"},
                                   {"34896006", "Limpeza dentária com remoção de tártaro"},
                                   {"234723000", "Aplicação tópica de flúor"},
                                   {"73761001", "Colonoscopia"},
                                   {"76601001", "Injeção intramuscular"},
                                   {"274474001", "Radiografia de tórax"},
                                   {"252160004", "Teste cutâneo de puntura"},
                                   {"703423002", "Peeling químico superficial"},
                                   {"225158009", "Curativo de ferida simples"}};
constexpr Concept kVisits[] = {{"185345009", "Consulta por sintoma"},
                               {"185349003", "Consulta de rotina"},
                               {"390906007", "Retorno por hipertensão"},
                               {"162673000", "Exame geral de saúde"},
                               {"410620009", "Puericultura"},
                               {"424619006", "Consulta pré-natal"}};
constexpr Concept kMedications[] = {
    {"314076", "Lisinopril 10 mg, comprimido de uso oral"},
    {"860975", "Metformina 500 mg, comprimido de liberação prolongada"},
    {"313782", "Paracetamol 325 mg, comprimido de uso oral"},
    {"308182", "Amoxicilina 250 mg, cápsula de uso oral"},
    {"312961", "Sinvastatina 20 mg, comprimido de uso oral"},
    {"310965", "Ibuprofeno 200 mg, comprimido de uso oral"},
    {"197361", "Anlodipino 5 mg, comprimido de uso oral"},
    {"310798", "Hidroclorotiazida 25 mg, comprimido de uso oral"}};
constexpr Concept kVaccines[] = {{"140", "Influenza, sazonal, injetável, sem conservante"},
                                 {"113", "Dupla adulto (difteria e tétano)"},
                                 {"62", "HPV quadrivalente"},
                                 {"08", "Hepatite B, pediátrica"},
                                 {"03", "Tríplice viral (sarampo, caxumba, rubéola)"},
                                 {"37", "Febre amarela"},
                                 {"207", "COVID-19, RNA mensageiro"}};
constexpr Concept kAllergies[] = {
    {"91935009", "Alergia a amendoim"},         {"300913006", "Alergia a frutos do mar"},
    {"91936005", "Alergia a penicilina"},       {"232347008", "Alergia a pelo de animal"},
    {"232350006", "Alergia a ácaro da poeira"}, {"300916003", "Alergia a látex"}};
constexpr Concept kPanels[] = {{"57698-3", "Perfil lipídico"},
                               {"51990-0", "Painel metabólico básico"},
                               {"58410-2", "Hemograma completo"},
                               {"24323-8", "Painel metabólico completo"}};
constexpr Concept kActivities[] = {{"229065009", "Exercício físico orientado"},
                                   {"409002", "Dieta com restrição de sódio"},
                                   {"160670007", "Dieta para diabetes"},
                                   {"58332002", "Alergia: orientação"},
                                   {"226234005", "Alimentação saudável"},
                                   {"386463000", "Orientação sobre atividade prescrita"}};

}  // namespace

std::span<const std::string_view> women_names() { return kWomen; }
std::span<const std::string_view> men_names() { return kMen; }
std::span<const std::string_view> family_names() { return kFamilies; }
std::span<const std::string_view> street_names() { return kStreets; }
std::span<const std::string_view> district_names() { return kDistricts; }
std::span<const std::string_view> clinic_names() { return kClinics; }
std::span<const Place> places() { return kPlaces; }
std::span<const Measure> measures() { return kMeasures; }
std::span<const Concept> conditions() { return kConditions; }
std::span<const Concept> procedures() { return kProcedures; }
std::span<const Concept> visits() { return kVisits; }
std::span<const Concept> medications() { return kMedications; }
std::span<const Concept> vaccines() { return kVaccines; }
std::span<const Concept> allergies() { return kAllergies; }
std::span<const Concept> panels() { return kPanels; }
std::span<const Concept> plan_activities() { return kActivities; }

}  // namespace clinicdb::clinic::fhir
