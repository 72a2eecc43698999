//! The language of templates, function by function, and plans made of it.

use super::{
    evaluate::{NotYet, Scope, Trouble},
    facts::Facts,
    plan::plan,
};
use crate::{
    http::message::Object,
    world::{Setup, World, rng::Rng},
};
use serde_json::{Value, json};

fn facts() -> Facts {
    let mut world = World::new(Setup::default());
    world.seed_group("rg");
    Facts::of(&world, "rg", "d", &json!({"contentVersion": "1.0.0.0"}))
}

fn object(v: Value) -> Object {
    v.as_object().cloned().unwrap()
}

fn value(text: &str) -> Result<Value, Trouble> {
    let parameters = object(json!({"name": "n1", "list": ["a", {"B": 2}], "Case": true}));
    let variables = object(json!({
        "joined": "[concat(parameters('name'), '-', variables('plain'))]",
        "plain": "x",
        "self": "[variables('self')]",
        "one": "[concat(variables('two'), variables('two'))]",
        "two": "[variables('one')]",
        "late": "[reference('r').a]",
    }));
    let facts = facts();
    Scope::new(&parameters, &variables, &facts, &NotYet).text(text)
}

#[track_caller]
fn is(text: &str, wanted: Value) {
    assert_eq!(value(text), Ok(wanted), "{text}");
}

#[track_caller]
fn says(text: &str, part: &str) {
    match value(text) {
        Err(Trouble::Wrong(why)) => assert!(why.contains(part), "{text}: {why}"),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn places_and_names() {
    let sub = "/subscriptions/5b000000-0000-4000-8000-000000000001";
    let rg = format!("{sub}/resourceGroups/rg");
    is("[resourceID('Microsoft.A/b', 'x')]", json!(format!("{rg}/providers/Microsoft.A/b/x")));
    is("[resourceId('Microsoft.A/b/c', 'x', 'y')]", json!(format!("{rg}/providers/Microsoft.A/b/x/c/y")));
    is("[resourceId('Microsoft.A/b/c', 'x/y')]", json!(format!("{rg}/providers/Microsoft.A/b/x/c/y")));
    is("[resourceId('g', 'Microsoft.A/b', 'x')]", json!(format!("{sub}/resourceGroups/g/providers/Microsoft.A/b/x")));
    is("[resourceId('s', 'g', 'A/b', 'x')]", json!("/subscriptions/s/resourceGroups/g/providers/A/b/x"));
    is("[subscriptionResourceId('A/b', 'x')]", json!(format!("{sub}/providers/A/b/x")));
    is("[subscriptionResourceId('s', 'A/b', 'x')]", json!("/subscriptions/s/providers/A/b/x"));
    is("[extensionResourceId('/a/b', 'C/d', 'x')]", json!("/a/b/providers/C/d/x"));
    is("[resourceGroup().location]", json!("westeurope"));
    is("[subscription().tenantId]", json!("7e000000-0000-4000-8000-000000000001"));
    is("[tenant().tenantId]", json!("7e000000-0000-4000-8000-000000000001"));
    is("[deployment().name]", json!("d"));
    is("[environment().suffixes.acrLoginServer]", json!(".azurecr.io"));
    says("[resourceId('A/b')]", "resourceId");
    says("[resourceGroup(1)]", "resourceGroup");
}

#[test]
fn parameters_variables_and_members() {
    is("[parameters('NAME')]", json!("n1"));
    is("[variables('joined')]", json!("n1-x"));
    is("[parameters('list')[1].b]", json!(2));
    is("[parameters('list')[1]['B']]", json!(2));
    is("[if(parameters('case'), 'yes', json('{'))]", json!("yes"));
    says("[parameters('none')]", "The template parameter 'none' is not found");
    says("[variables('none')]", "The template variable 'none' is not found");
    says("[variables('self')]", "refers to itself");
    says("[variables('one')]", "refers to itself");
    says("[variables('late')]", "'reference' is not expected at this location");
    says("[parameters('list')[2]]", "out of bounds");
    says("[resourceGroup().color]", "The language expression property 'color' doesn't exist");
    says("[if('x', 1, 2)]", "'if'");
}

#[test]
fn what_comes_later_is_told_from_what_is_wrong() {
    assert_eq!(value("[reference('r', '2020-01-01').a]"), Err(Trouble::Later));
    assert_eq!(value("[concat('a', reference('r'))]"), Err(Trouble::Later));
    says("[concat(reference('r'), nosuch())]", "The template function 'nosuch' is not valid");
    says("[reference('r', 'v', 'Half')]", "'reference'");
    is("[if(true(), 'a', reference('r'))]", json!("a"));
}

#[test]
fn texts() {
    is("[concat('a', 1, true())]", json!("a1True"));
    is("[format('{0}-{1}{{}}', 'a', 2)]", json!("a-2{}"));
    is("[toLower('ÄB')]", json!("äb"));
    is("[toUpper('aB')]", json!("AB"));
    is("[trim(' a ')]", json!("a"));
    is("[replace('a-b-c', '-', '')]", json!("abc"));
    is("[substring('kläranlage', 2, 3)]", json!("ära"));
    is("[substring('abc', 1)]", json!("bc"));
    is("[take('abc', 2)]", json!("ab"));
    is("[skip('abc', 2)]", json!("c"));
    is("[skip('abc', -1)]", json!("abc"));
    is("[first('abc')]", json!("a"));
    is("[last('abc')]", json!("c"));
    is("[split('a,b;c', createArray(',', ';'))]", json!(["a", "b", "c"]));
    is("[last(split('https://h/keys/k', '/'))]", json!("k"));
    is("[startsWith('Abc', 'aB')]", json!(true));
    is("[endsWith('Abc', 'BC')]", json!(true));
    is("[string(createObject('a', 1))]", json!("{\"a\":1}"));
    says("[substring('abc', 1, 9)]", "'substring'");
    says("[format('{1}', 'a')]", "'format'");
    says("[format('}', 'a')]", "'format'");
}

#[test]
fn numbers_logic_and_lists() {
    is("[add(2, 3)]", json!(5));
    is("[sub(2, 3)]", json!(-1));
    is("[mul(2, -3)]", json!(-6));
    is("[div(7, 2)]", json!(3));
    is("[mod(7, 2)]", json!(1));
    says("[div(7, 0)]", "'div'");
    says("[mul(9223372036854775807, 2)]", "'mul'");
    is("[less(1, 2)]", json!(true));
    is("[greaterOrEquals('b', 'a')]", json!(true));
    is("[and(true(), not(false()), equals('a', 'a'))]", json!(true));
    is("[or(false(), equals('a', 'A'))]", json!(false));
    is("[coalesce(null(), json('null'), 'c')]", json!("c"));
    is("[empty('')]", json!(true));
    is("[empty(null())]", json!(true));
    is("[empty(createObject())]", json!(true));
    is("[length(createArray('a', 'b'))]", json!(2));
    is("[contains('abc', 'b')]", json!(true));
    is("[contains(createArray(1, 2), 3)]", json!(false));
    is("[contains(createObject('Ab', 1), 'aB')]", json!(true));
    is("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3]));
    is("[union(json('{\"a\":{\"b\":1}}'), json('{\"a\":{\"c\":2}}'))]", json!({"a": {"b": 1, "c": 2}}));
    is("[concat(createArray(1), createArray(2))]", json!([1, 2]));
    is("[int('42')]", json!(42));
    is("[bool('True')]", json!(true));
    is("[json('{\"a\": [1]}').a[0]]", json!(1));
    says("[createObject('a')]", "'createObject'");
    says("[int('x')]", "'int'");
}

#[test]
fn digests_are_the_same_for_the_same() {
    // Made by the service's published rule: version 5, of the texts joined by hyphens.
    let made = value("[guid('a', 'b')]").unwrap();
    assert_eq!(made, value("[guid('a-b')]").unwrap());
    assert_eq!(made.as_str().and_then(|s| s.chars().nth(14)), Some('5'));
    let made = value("[uniqueString('a')]").unwrap();
    assert_eq!(made.as_str().map(str::len), Some(13));
    assert_eq!(made, value("[uniqueString('a')]").unwrap());
    assert_ne!(made, value("[uniqueString('b')]").unwrap());
}

#[test]
fn no_expression_makes_it_panic_or_run_away() {
    says(
        "[replace(replace(replace(replace('aaaaaaaaaa', 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')]",
        "too long",
    );
    let calls = super::evaluate::PLACED.iter().chain(super::functions::PLAIN);
    let calls: Vec<&str> = calls.copied().collect();
    let args = [
        "'a'",
        "''",
        "-1",
        "9223372036854775807",
        "true()",
        "null()",
        "createArray('a')",
        "createObject('a', 1)",
        "'é{0}['",
    ];
    let mut rng = Rng::new(11);
    let mut pick = |from: &[&str]| {
        let i = (rng.next_u64() % from.len() as u64) as usize;
        from.get(i).copied().unwrap_or_default().to_owned()
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..20_000 {
        let mut expr = pick(&args);
        for _ in 0..=(round % 3) {
            let more: Vec<String> = (0..round % 4).map(|_| pick(&args)).collect();
            let mut all = vec![expr];
            all.extend(more);
            expr = format!("{}({})", pick(&calls), all.join(", "));
        }
        match value(&format!("[{expr}]")) {
            Ok(_) => good += 1,
            Err(Trouble::Wrong(why)) => {
                assert!(!why.contains("is not valid. Please see https://aka.ms/arm-template-expr"), "{expr}: {why}");
                bad += 1;
            }
            Err(_) => {}
        }
    }
    assert!(good > 500 && bad > 500, "{good} {bad}");
}

#[test]
fn a_resource_that_is_a_child_or_an_extension_has_its_id() {
    let template = json!({"$schema": "s", "contentVersion": "1.0.0.0", "resources": [
        {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2019-09-01", "name": "kv", "resources": [
            {"type": "keys", "apiVersion": "2019-09-01", "name": "k", "dependsOn": ["[resourceId('Microsoft.KeyVault/vaults', 'kv')]"]},
        ]},
        {"type": "Microsoft.KeyVault/vaults/providers/roleAssignments", "apiVersion": "2022-04-01",
         "name": "kv/Microsoft.Authorization/g", "dependsOn": ["kv"]},
        {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "h",
         "scope": "Microsoft.KeyVault/vaults/kv/keys/k", "dependsOn": ["Microsoft.KeyVault/vaults/kv/keys/k", "kv/k"]},
    ]});
    let made = plan(&template, &Object::new(), &facts()).unwrap();
    let group = facts().group_id;
    let ids: Vec<&str> = made.resources.iter().filter_map(|r| r.id.strip_prefix(&group)).collect();
    let vault = "/providers/Microsoft.KeyVault/vaults/kv";
    assert_eq!(
        ids,
        [
            vault.to_owned(),
            format!("{vault}/keys/k"),
            format!("{vault}/providers/Microsoft.Authorization/roleAssignments/g"),
            format!("{vault}/keys/k/providers/Microsoft.Authorization/roleAssignments/h"),
        ]
    );
    let after: Vec<&Vec<usize>> = made.resources.iter().map(|r| &r.after).collect();
    assert_eq!(after, [&vec![], &vec![0], &vec![0], &vec![1]]);
}

#[test]
fn reference_makes_it_wait_for_a_name_but_not_for_an_id_with_a_version() {
    let with = |reference: &str| {
        let template = json!({"$schema": "s", "contentVersion": "1.0.0.0", "resources": [
            {"type": "A/b", "apiVersion": "1", "name": "x", "properties": {"y": reference}},
            {"type": "A/b", "apiVersion": "1", "name": "y"},
        ]});
        plan(&template, &Object::new(), &facts()).unwrap()
    };
    assert_eq!(with("[reference('y').z]").order, [1, 0]);
    assert_eq!(with("[reference('y', '1').z]").order, [1, 0]);
    assert_eq!(with("[concat('a', reference(resourceId('A/b', 'y')).z)]").order, [1, 0]);
    assert_eq!(with("[reference(resourceId('A/b', 'y'), '1').z]").order, [0, 1]);
}
